"""The handler of bench/apps/hello on bare aiohttp: `python -m bench.host_bare`."""

from __future__ import annotations

import asyncio

from aiohttp import web
from localazure.child import announce_ready
from localazure.serving import stop_requested

HOST = "127.0.0.1"


async def hello(request: web.Request) -> web.Response:
    return web.Response(text=f"Hello {request.query.get('name')}")


async def serve() -> None:
    """Answer until SIGTERM."""
    stopped = stop_requested()
    app = web.Application()
    app.router.add_route("*", "/api/hello", hello)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    announce_ready(url=f"http://{HOST}:{runner.addresses[0][1]}")
    await stopped.wait()
    await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(serve())
