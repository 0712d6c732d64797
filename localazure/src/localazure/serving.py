"""What the servers of all processes have in common: how they listen, and how they learn that they should stop."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import ssl

from aiohttp import web
from aiohttp.web_runner import BaseRunner

from localazure.errors import PortTakenError

ACCEPT_TURNS = 4
"""Turns of the loop from an accept to a handler that waits for a request: transport, protocol, task, its first step."""


async def listen(runner: BaseRunner, host: str, port: int, *, option: str, tls: ssl.SSLContext | None = None) -> int:
    """Serve on a port, and return it: any free one for 0. Raises PortTakenError, which names port and `option`."""
    try:
        await _Site(runner, host, port, ssl_context=tls).start()
    except OSError as error:
        if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
            raise
        problem = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be had ({os.strerror(error.errno)})"
        raise PortTakenError(f"Port {port} {problem}; choose another with {option}.") from error
    return int(runner.addresses[0][1])


class _Site(web.TCPSite):
    """A port that loses no connection when it is closed."""

    async def stop(self) -> None:
        # asyncio drops, unclosed, what it accepted in this turn of the loop: let that come to life first.
        if isinstance(self._server, asyncio.Server):
            for listener in self._server.sockets:
                asyncio.get_running_loop().remove_reader(listener.fileno())
            for _ in range(ACCEPT_TURNS):
                await asyncio.sleep(0)
        await super().stop()


def stop_requested() -> asyncio.Event:
    """Set once the process is told to stop, by SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
