"""Ties a program that knows nothing of child.py to the server.

    python -m localazure.guard --port blob=10000 -- node azurite.js

The program replaces this process, so its pid, signals and exit code are the server's own child's. A watcher forked
before that announces readiness once every port accepts connections, and ends the program when the server is gone.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
from collections.abc import Mapping, Sequence

from localazure.child import ORPHAN_GRACE_S, PARENT_FD, READY_FD, announce_ready

PROBE_INTERVAL_S = 0.05
USAGE = "usage: python -m localazure.guard [--port NAME=PORT]... -- PROGRAM [ARGUMENT]..."


def main(arguments: Sequence[str]) -> None:
    """Become the program behind `--`; never returns."""
    options, program = _split(arguments)
    ports = {name: int(port) for name, port in (option.split("=", 1) for option in options)}
    alive, held_while_alive = os.pipe()
    if os.fork() == 0:
        os.close(held_while_alive)
        _watch(os.getppid(), alive, ports)
        os._exit(0)
    os.set_inheritable(held_while_alive, True)
    for name in (READY_FD, PARENT_FD):
        fd = os.environ.pop(name, "")
        if fd:
            os.close(int(fd))
    os.execvp(program[0], program)  # noqa: S606  # the command is the server's own


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    if "--" not in arguments[:-1]:
        sys.exit(USAGE)
    at = arguments.index("--")
    words = list(arguments[:at])
    if words[::2] != ["--port"] * (len(words) // 2):
        sys.exit(USAGE)
    return words[1::2], list(arguments[at + 1 :])


def _watch(program: int, alive: int, ports: Mapping[str, int]) -> None:
    """Until the program ends (`alive` is at its end) or the server does."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    parent = int(os.environ.pop(PARENT_FD, "-1"))
    ends = [fd for fd in (alive, parent) if fd >= 0]
    waiting = True
    while True:
        ended, _, _ = select.select(ends, [], [], PROBE_INTERVAL_S if waiting else None)
        if alive in ended:
            return
        if parent in ended:
            _end(program, alive)
            return
        if waiting and all(map(_accepts, ports.values())):
            waiting = False
            announce_ready(**{**ports, "pid": program})


def _accepts(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def _end(program: int, alive: int) -> None:
    os.kill(program, signal.SIGTERM)
    ended, _, _ = select.select([alive], [], [], ORPHAN_GRACE_S)
    if not ended:
        os.kill(program, signal.SIGKILL)


if __name__ == "__main__":
    main(sys.argv[1:])
