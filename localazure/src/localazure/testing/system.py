"""One `localazure start` in processes of its own, for end-to-end tests, demos and benchmarks.

with System(app=Path("."), state=tmp_path / "state") as system:
    requests.get(f"{system.endpoints['api']}/health/live")
    system.kill("host")         # as by kill -9; the server starts it again
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from localazure.child import PARENT_FD, READY_FD

LOG_TAIL_LINES = 40


class SystemFailedError(Exception):
    """The system did not become ready, or ended with an error; the text holds the end of its output."""


class System:
    """Starts the whole system on free ports, with its own state, and ends it.

    `state` may be used again by a later System: it then goes on where the earlier one stopped. `reload`: whether
    changes of the app's sources reach it.
    """

    def __init__(self, app: Path, state: Path, *, settings: dict[str, str] | None = None, reload: bool = False) -> None:
        self.app = app.resolve()
        self.state = state.resolve()
        self._settings = settings or {}
        self._reload = "--reload" if reload else "--no-reload"
        self._process: subprocess.Popen[bytes] | None = None
        self._hold_fd: int | None = None

    @property
    def log(self) -> Path:
        """Everything the server and the host printed."""
        return self.state / "system.log"

    @property
    def endpoints(self) -> dict[str, str]:
        """Name → URL of everything that runs."""
        endpoints: dict[str, str] = json.loads((self.state / "endpoints.json").read_text())
        return endpoints

    def pid(self, name: str) -> int:
        """The process id of one part, such as `host` or `cosmos`."""
        return int(json.loads((self.state / "pids.json").read_text())[name])

    def start(self, *, within_s: float = 90) -> Self:
        """Start and wait until everything can be used. Raises SystemFailedError."""
        self.state.mkdir(parents=True, exist_ok=True)
        ready_read, ready_write = os.pipe()
        parent_read, self._hold_fd = os.pipe()
        environment = os.environ | self._settings | {READY_FD: str(ready_write), PARENT_FD: str(parent_read)}
        command = [sys.executable, "-m", "localazure", "start", "--app", str(self.app)]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603  # our own command line
                [*command, "--state", str(self.state), "--free-ports", self._reload],
                cwd=self.app,
                env=environment,
                pass_fds=(ready_write, parent_read),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        os.close(ready_write)
        os.close(parent_read)
        try:
            self._await_ready(ready_read, within_s)
        finally:
            os.close(ready_read)
        return self

    def _await_ready(self, ready_fd: int, within_s: float) -> None:
        deadline = time.monotonic() + within_s
        with selectors.DefaultSelector() as selector:
            selector.register(ready_fd, selectors.EVENT_READ)
            # End of file without a word means that the server ended first.
            if selector.select(deadline - time.monotonic()) and os.read(ready_fd, 65536):
                return
        self.kill_all()
        raise SystemFailedError(f"localazure was not ready within {within_s:g} s:\n{self._log_tail()}")

    def kill(self, name: str) -> None:
        """End one part as by `kill -9`."""
        os.kill(self.pid(name), signal.SIGKILL)

    def kill_all(self) -> None:
        """End the server itself as by `kill -9`; its parts notice and end by themselves."""
        if self._process is not None:
            self._process.kill()
            self._end()

    def stop(self, *, within_s: float = 60) -> None:
        """End it as Ctrl-C does. Raises SystemFailedError if the exit code is not 0."""
        process = self._process
        if process is None:
            return
        process.send_signal(signal.SIGINT)
        try:
            code = process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.kill_all()
            raise SystemFailedError(f"localazure did not stop within {within_s:g} s:\n{self._log_tail()}") from None
        self._end()
        if code != 0:
            raise SystemFailedError(f"localazure ended with exit code {code}:\n{self._log_tail()}")

    def _end(self) -> None:
        if self._process is not None:
            self._process.wait()
            self._process = None
        if self._hold_fd is not None:
            with contextlib.suppress(OSError):
                os.close(self._hold_fd)
            self._hold_fd = None

    def token(self, *, tenant: str, role: str | Sequence[str], subject: str, **options: Any) -> str:
        """A bearer token of the local issuer; options are further flags of `localazure token`."""
        roles = [role] if isinstance(role, str) else role
        flags = [("tenant", tenant), ("subject", subject), *(("role", each) for each in roles), *options.items()]
        arguments = [part for name, value in flags for part in (f"--{name}", str(value))]
        done = subprocess.run(  # noqa: S603  # our own command line
            [
                sys.executable,
                "-m",
                "localazure",
                "token",
                "--app",
                str(self.app),
                "--state",
                str(self.state),
                *arguments,
            ],
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def _log_tail(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:])

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop() if kind is None else self.kill_all()
