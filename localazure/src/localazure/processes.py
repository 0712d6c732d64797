"""Starts processes, waits until they are ready, starts them again when they die, and stops them in reverse order.

Each gets the two pipes of child.py. A process that ends by itself before it was ever ready has said why in its log, so
the start fails with that. Later deaths are repaired on the same ports, until five quick ones in a row.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self, TypeVar

from localazure.child import PARENT_FD, READY_FD
from localazure.console import Console

READY_WITHIN_S = 60.0
STOP_WITHIN_S = 15.0
QUICK_DEATH_S = 1.0
QUICK_DEATHS = 5
FIRST_PAUSE_S = 0.1
LOG_TAIL_LINES = 20
LOG_LIMIT_BYTES = 10 * 1024 * 1024

Facts = Mapping[str, Any]
Fill = Callable[[], Coroutine[Any, Any, None]]
Result = TypeVar("Result")


class ProcessFailedError(Exception):
    """A process does not stay up; the text names it and ends with the last lines of its log."""


@dataclass(frozen=True)
class Program:
    """What is run: the whole environment, and whether its output belongs on the console too."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    on_console: bool = False


@dataclass
class Processes:
    """All processes of one server, in the order of their start. Use it as an async context manager.

    `lock_fd` is inherited by each process; `pids_changed` is told name and pid of all that run.
    """

    logs: Path
    console: Console
    lock_fd: int
    pids_changed: Callable[[Mapping[str, int]], None]
    _children: list[_Child] = field(default_factory=list)
    _failure: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    async def __aenter__(self) -> Self:
        self.logs.mkdir(parents=True, exist_ok=True)
        # Only this process holds the other end, and whatever ends it closes that.
        self._parent_fd, self._held_fd = os.pipe()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        for child in reversed(self._children):
            await child.stop()
        os.close(self._held_fd)
        os.close(self._parent_fd)

    async def start(self, program: Program, fill: Fill | None = None) -> Facts:
        """Start a program, and keep it running from then on. What it says when it is ready; ProcessFailedError.

        `fill` is awaited each time it is ready, because a service that was killed may have lost its last seconds.
        """
        log = self.logs / f"{program.name}.log"
        fds = _Fds(self._parent_fd, self.lock_fd)
        child = _Child(program, fill, fds=fds, log=log, console=self.console, pid_changed=self._report_pids)
        self._children.append(child)
        facts = await child.start()
        child.keep_running(self._fail)
        return facts

    async def failure(self) -> None:
        """Wait until a process is given up; raises its ProcessFailedError."""
        await asyncio.shield(self._failure)

    def kill_all(self) -> None:
        """End everything without a grace period."""
        for child in self._children:
            child.kill()

    def _report_pids(self) -> None:
        self.pids_changed({child.name: child.pid for child in self._children if child.pid is not None})

    def _fail(self, error: BaseException) -> None:
        if not self._failure.done():
            self._failure.set_exception(error)


@dataclass(frozen=True)
class _Fds:
    """What each process inherits from the server: its life line, and the lock that all hold together."""

    parent: int
    lock: int


class _Child:
    """One program and the process that runs it at the moment."""

    def __init__(
        self,
        program: Program,
        fill: Fill | None,
        *,
        fds: _Fds,
        log: Path,
        console: Console,
        pid_changed: Callable[[], None],
    ) -> None:
        self.name = program.name
        self._program = program
        self._fill = fill
        self._fds = fds
        self._log_path = log
        self._console = console
        self._pid_changed = pid_changed
        self._process: asyncio.subprocess.Process | None = None
        self._output: asyncio.Task[None] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._log_begin = 0

    @property
    def pid(self) -> int | None:
        """Of the running process."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def start(self) -> Facts:
        """The first start. A signal from outside is no fault of the program: then it is tried again."""
        while True:
            facts = await self._spawn()
            if facts is not None:
                if self._fill:
                    await self._fill()
                return facts
            code = await self._end()
            if code >= 0:
                raise ProcessFailedError(f"{self.name} did not start: it {_describe(code)}.{self._log_tail()}")

    def keep_running(self, fail: Callable[[BaseException], None]) -> None:
        """Repair deaths in the background; `fail` is told when that is given up."""

        def ended(keeper: asyncio.Task[None]) -> None:
            error = None if keeper.cancelled() else keeper.exception()
            if error is not None:
                fail(error)

        self._keeper = asyncio.create_task(self._repair(), name=f"keep {self.name} running")
        self._keeper.add_done_callback(ended)

    async def stop(self) -> None:
        """End the process as by Ctrl-C, or by force when that takes too long."""
        if self._keeper:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        if self.pid is None:
            return
        self._signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_WITHIN_S):
                await self._end()
        except TimeoutError:
            self._console.warn(f"{self.name} did not stop within {STOP_WITHIN_S:g} s and was killed.")
            self.kill()
            await self._end()

    def kill(self) -> None:
        """SIGKILL to the process and those it started."""
        if self.pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)

    async def _repair(self) -> None:
        quick_deaths = 0
        ready_at: float | None = time.monotonic()
        while True:
            code = await self._end()
            # A kill from outside, by a person or a test, is no sign that starting again is of no use.
            was_killed = code == -signal.SIGKILL and ready_at is not None
            is_quick = not was_killed and (ready_at is None or time.monotonic() - ready_at < QUICK_DEATH_S)
            quick_deaths = quick_deaths + 1 if is_quick else 1
            if quick_deaths >= QUICK_DEATHS:
                raise ProcessFailedError(
                    f"{self.name} {_describe(code)}, {QUICK_DEATHS} times in a row; given up.{self._log_tail()}"
                )
            pause_s = FIRST_PAUSE_S * 2 ** (quick_deaths - 1)
            self._console.warn(f"{self.name} {_describe(code)}; starting it again in {pause_s:g} s.")
            await asyncio.sleep(pause_s)
            ready_at = time.monotonic() if await self._spawn_and_fill() else None
            if ready_at is not None:
                self._console.say(f"{self.name} runs again (pid {self.pid}).")

    async def _spawn_and_fill(self) -> bool:
        """Whether the new process is of use. Raises what stops it from being filled, but its own death."""
        if await self._spawn() is None:
            return False
        try:
            if self._fill:
                await self._fill()
        except Exception:
            if self.pid is not None:
                raise
            return False
        return True

    async def _spawn(self) -> Facts | None:
        """A new process; what it announces, or None when it ends without a word. Kills one that stays silent."""
        ready_end, ready_fd = os.pipe()
        output_end, output_fd = os.pipe()  # our own: asyncio's would keep `wait` until grandchildren close it too
        log = _open_log(self._log_path)
        self._log_begin = log.tell()
        try:
            environment = {**self._program.environment, READY_FD: str(ready_fd), PARENT_FD: str(self._fds.parent)}
            self._process = await asyncio.create_subprocess_exec(
                *self._program.command,
                cwd=self._program.folder,
                env=environment,
                pass_fds=(ready_fd, self._fds.parent, self._fds.lock),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output_fd if self._program.on_console else log,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the server alone, which stops the rest in order
            )
        except OSError as error:
            os.close(ready_end)
            os.close(output_end)
            log.close()
            raise ProcessFailedError(f"{self.name} cannot be started: {self._program.command[0]}: {error}") from error
        finally:
            os.close(ready_fd)
            os.close(output_fd)
        self._output = asyncio.create_task(self._copy_output(output_end, log))
        self._pid_changed()
        try:
            async with asyncio.timeout(READY_WITHIN_S):  # wait_for of Python 3.11 can lose a cancellation
                text = await _read_to_end(ready_end)
        except TimeoutError:
            self._console.warn(f"{self.name} was not ready within {READY_WITHIN_S:g} s.")
            text = b""
            self.kill()
        return dict(json.loads(text)) if text else None

    async def _end(self) -> int:
        """Wait for the end of the process, all of its output included; its exit code, negative for a signal."""
        if self._process is None or self._output is None:
            return 0
        code = await self._process.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)  # what it started and left keeps its output and ports open
        await asyncio.shield(self._output)
        return code

    def _signal(self, number: int) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(number)

    async def _copy_output(self, output_end: int, log: BinaryIO) -> None:
        with log:
            async with _reading(output_end) as output:
                rest = b""
                while part := await output.read(65_536):
                    log.write(part)
                    log.flush()
                    lines, end, rest = (rest + part).rpartition(b"\n")
                    self._console.pass_on(lines + end)
                self._console.pass_on(rest)

    def _log_tail(self) -> str:
        """What the latest process has said, unless it was on the console already."""
        if self._program.on_console and not self._console.quiet:
            return ""
        lines = self._log_path.read_bytes()[self._log_begin :].decode(errors="replace").splitlines()[-LOG_TAIL_LINES:]
        return "".join(f"\n  {line}" for line in [f"The end of {self._log_path}:", *lines])


async def gather_all(*starts: Coroutine[Any, Any, Result]) -> list[Result]:
    """Like asyncio.gather, but the first failure ends the others before it is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(start) for start in starts]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from failures
    return [task.result() for task in tasks]


def _describe(code: int) -> str:
    return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"


def _open_log(path: Path) -> BinaryIO:
    """Append, but begin anew (keeping one old file) when the log has grown large."""
    if path.exists() and path.stat().st_size > LOG_LIMIT_BYTES:
        path.replace(path.with_suffix(".old.log"))
    return path.open("ab")


async def _read_to_end(fd: int) -> bytes:
    async with _reading(fd) as reader:
        return await reader.read()


@asynccontextmanager
async def _reading(fd: int) -> AsyncIterator[asyncio.StreamReader]:
    """A reader of this end of a pipe, which is closed with it."""
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(fd, "rb", buffering=0)
    )
    try:
        yield reader
    finally:
        transport.close()
