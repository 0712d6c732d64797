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


async def close(runner: BaseRunner) -> None:
    """Finish the requests that are under way, then end every connection, whether or not its client takes part.

    asyncio ends a TLS connection once the client has said goodbye too. An idle client does not, and its connection
    would outlive the loop, unclosed until it is garbage; Python 3.13 stumbles over two of them (TypeError in __del__).
    """
    for site in runner.sites:
        await site.stop()
    over_tls = _tls_transports(runner)
    for transport in over_tls:
        if transport.is_closing():  # aiohttp closes it once more, after which asyncio can abort it no longer
            transport.abort()
    await runner.cleanup()
    for transport in over_tls:
        transport.abort()
    await asyncio.sleep(0)


def _tls_transports(runner: BaseRunner) -> list[asyncio.Transport]:
    connections = runner.server.connections if runner.server else []
    transports = [connection.transport for connection in connections if connection.transport]
    return [transport for transport in transports if transport.get_extra_info("ssl_object")]


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
