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


async def listen(runner: BaseRunner, host: str, port: int, *, option: str, tls: ssl.SSLContext | None = None) -> int:
    """Serve on a port, and return it: any free one for 0. Raises PortTakenError, which names port and `option`."""
    try:
        await web.TCPSite(runner, host, port, ssl_context=tls).start()
    except OSError as error:
        if error.errno not in {errno.EADDRINUSE, errno.EACCES}:
            raise
        problem = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be had ({os.strerror(error.errno)})"
        raise PortTakenError(f"Port {port} {problem}; choose another with {option}.") from error
    return int(runner.addresses[0][1])


def stop_requested() -> asyncio.Event:
    """Set once the process is told to stop, by SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop
