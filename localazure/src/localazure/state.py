"""The state folder (`.localazure`): what outlives a process, and how commands find the system that another started."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO

LEFT_OVER_S = 20.0
POLL_S = 0.02
SERVER = "server"
"""The name of the server itself among the processes."""


class StateError(Exception):
    """The state folder cannot be used as asked; the text says by whom or why, and what helps."""


def write_file(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Replace a file in one step, so that no reader ever sees half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fd, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(fd, "wb") as file:
        file.write(content)
    temporary = Path(name)
    temporary.chmod(mode)
    temporary.replace(path)


class StateFolder:
    """Paths below the folder, the lock that one server holds, and the two files that tell where the system is."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        self.keys = self.path / "keys"
        self.tls = self.path / "tls"
        self.logs = self.path / "logs"
        self.azurite = self.path / "azurite"
        self.keyvault = self.path / "keyvault.sqlite"
        self.cosmos = self.path / "cosmos.sqlite"
        self.host_env = self.path / "host.env"
        self.endpoints_file = self.path / "endpoints.json"
        self._pids = self.path / "pids.json"
        self._lock = self.path / "server.lock"
        self._processes_lock = self.path / "processes.lock"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for one server; StateError while another one does, even if it was just killed."""
        self.path.mkdir(parents=True, exist_ok=True)
        with self._lock.open("a") as lock:
            if not _try_lock(lock):
                raise StateError(
                    f"Another localazure server (pid {self.server_pid()}) uses {self.path}. "
                    "Stop it with `localazure stop`, or choose another folder with --state."
                )
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    @asynccontextmanager
    async def processes_locked(self) -> AsyncIterator[int]:
        """A file descriptor for every process of the server to inherit; only a server that holds the folder asks.

        The lock is theirs together, until the last of them has ended. So this waits for those of a server that was
        killed, which end by themselves; StateError when they do not.
        """
        deadline = time.monotonic() + LEFT_OVER_S
        with self._processes_lock.open("a") as lock:
            while not _try_lock(lock):
                if time.monotonic() > deadline:
                    left = ", ".join(f"{name} {pid}" for name, pid in self.pids().items() if name != SERVER)
                    raise StateError(f"Processes of a killed server still use {self.path}; end them first: {left}.")
                await asyncio.sleep(POLL_S)
            yield lock.fileno()

    def server_pid(self) -> int:
        """The process that holds the folder, or held it last; 0 when that is not known."""
        text = self._lock.read_text() if self._lock.exists() else ""
        return int(text or 0)

    def is_in_use(self) -> bool:
        """Whether a server runs on this folder."""
        if not self._lock.exists():
            return False
        with self._lock.open("a") as lock:
            return not _try_lock(lock)

    def endpoints(self) -> dict[str, str]:
        """Name to URL of all that runs; empty when nothing does."""
        return {name: str(url) for name, url in _read_json(self.endpoints_file).items()}

    def write_endpoints(self, endpoints: Mapping[str, str]) -> None:
        write_file(self.endpoints_file, _json(endpoints))

    def pids(self) -> dict[str, int]:
        """Name to process id. Not empty without a server in use: that server was killed."""
        return {name: int(str(pid)) for name, pid in _read_json(self._pids).items()}

    def write_pids(self, pids: Mapping[str, int]) -> None:
        write_file(self._pids, _json(pids))

    def forget_processes(self) -> None:
        """After a clean end: nothing runs any more."""
        self._pids.unlink(missing_ok=True)
        self.endpoints_file.unlink(missing_ok=True)

    def delete(self) -> None:
        """Remove all state; StateError while a server uses it or when the folder is not one of ours."""
        if not self.path.exists():
            return
        if not self._lock.exists():
            raise StateError(
                f"{self.path} was not made by localazure (it has no {self._lock.name}); nothing is deleted."
            )
        with self.locked():
            shutil.rmtree(self.path)


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=2) + "\n").encode()


def _read_json(path: Path) -> dict[str, object]:
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    return content if isinstance(content, dict) else {}
