"""How a sandbox service lives as a process: by hand from a shell, or as the child of a supervising server.

A supervisor hands down two file descriptors by environment:

- LOCALAZURE_READY_FD: one JSON object with `pid` and the service's facts is written there once it listens.
- LOCALAZURE_PARENT_FD: its end of file means that the supervisor is gone; the service then ends as by SIGTERM.

Without them the service prints its address and runs until SIGINT or SIGTERM. It ends with exit code 0 after an
orderly stop, and with 3 when its port is taken.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager

from aiohttp import web

READY_FD = "LOCALAZURE_READY_FD"
PARENT_FD = "LOCALAZURE_PARENT_FD"
EXIT_PORT_TAKEN = 3

Service = Callable[[], AbstractAsyncContextManager[Mapping[str, str]]]


class PortTaken(Exception):
    """The port that an option asks for belongs to another process."""


def run(service: Service) -> int:
    """Keep a service up until a signal ends it; the exit code of the process.

    `service()` listens while its context is open, and yields the facts that callers need, `url` among them.
    """
    try:
        asyncio.run(_until_told_to_stop(service))
    except PortTaken as taken:
        print(taken, file=sys.stderr)
        return EXIT_PORT_TAKEN
    return 0


def listen(host: str, port: int, option: str) -> socket.socket:
    """A listening socket; port 0 takes any free port. Raises PortTaken, which names the port and its option."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise PortTaken(f"cannot listen on {host}:{port} ({option}): {os.strerror(error.errno or 0)}") from error
    return listener


def address(listener: socket.socket, scheme: str) -> str:
    """Where a listening socket is reached, such as `http://127.0.0.1:8080`."""
    host, port = listener.getsockname()[:2]
    return f"{scheme}://{host}:{port}"


async def serve_http(app: web.Application, listener: socket.socket) -> web.AppRunner:
    """Answer HTTP on a listening socket until the returned runner is cleaned up."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
    await runner.setup()
    await web.SockSite(runner, listener, backlog=128).start()
    return runner


async def _until_told_to_stop(service: Service) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for ending in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(ending, stop.set)
    _follow_parent()
    async with service() as facts:
        _announce(facts)
        await stop.wait()


def _announce(facts: Mapping[str, str]) -> None:
    fd = os.environ.pop(READY_FD, "")
    if fd:
        with os.fdopen(int(fd), "w") as ready:
            ready.write(json.dumps({"pid": os.getpid(), **facts}))
    else:
        print(*(f"{name}={value}" for name, value in facts.items()), flush=True)


def _follow_parent() -> None:
    fd = os.environ.pop(PARENT_FD, "")
    if fd:
        threading.Thread(target=_end_at_eof, args=(int(fd),), name="follow-parent", daemon=True).start()


def _end_at_eof(fd: int) -> None:
    while os.read(fd, 1):
        pass  # nothing is ever written: only the end of file matters
    os.kill(os.getpid(), signal.SIGTERM)
