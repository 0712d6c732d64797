"""Servers that do nothing but answer, as ceilings to compare with: `python -m bench.canned [RECORDING]`.

Without a recording it is an echo: it sends back what it gets, and to those who send nothing a body of the size that
they ask for. With one it is a stub that replays what a real server once said, so that the official client finds all
that it insists on. The recording maps "METHOD path" to [status, headers, body]. Both are the low-level server of
aiohttp, without router, middlewares or access log.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from aiohttp import web
from localazure.child import announce_ready
from localazure.serving import stop_requested

HOST = "127.0.0.1"
SIZE_HEADER = "x-size"


async def echo(request: web.BaseRequest) -> web.Response:
    """The body of the request, or as many bytes as its header says."""
    body = await request.read() or b"x" * int(request.headers[SIZE_HEADER])
    return web.Response(body=body)


class Stub:
    """Answers each method and path in one way; 304 to who has it already (If-None-Match)."""

    def __init__(self, recording: Path) -> None:
        recorded = json.loads(recording.read_text())
        self._replies = {asked: (status, headers, body.encode()) for asked, (status, headers, body) in recorded.items()}

    async def __call__(self, request: web.BaseRequest) -> web.Response:
        await request.read()
        status, headers, body = self._replies[f"{request.method} {request.raw_path}"]
        if "if-none-match" in request.headers:
            return web.Response(status=304, headers=headers)
        return web.Response(status=status, headers=headers, body=body)


async def serve(*recording: str) -> None:
    """Answer until SIGTERM."""
    stopped = stop_requested()
    runner = web.ServerRunner(web.Server(Stub(Path(*recording)) if recording else echo, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    announce_ready(url=f"http://{HOST}:{runner.addresses[0][1]}")
    await stopped.wait()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve(*sys.argv[1:]))
