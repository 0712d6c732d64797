"""Servers to measure, each in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from localazure.child import READY_FD


@dataclass(frozen=True)
class Running:
    """A server that can be used: where it is, and its process."""

    url: str
    pid: int


@contextmanager
def running(module: str, *arguments: str) -> Iterator[Running]:
    """Run `python -m module` until the end of the block, which begins once the server can be used."""
    read, write = os.pipe()
    command = [sys.executable, "-m", module, *arguments]
    process = subprocess.Popen(command, pass_fds=[write], env={**os.environ, READY_FD: str(write)})
    os.close(write)
    try:
        with os.fdopen(read) as ready:
            facts = json.loads(ready.read() or "{}")
        if "url" not in facts:
            raise RuntimeError(f"{module} ended with {process.wait()}")
        yield Running(facts["url"], process.pid)
    finally:
        process.terminate()
        process.wait()
