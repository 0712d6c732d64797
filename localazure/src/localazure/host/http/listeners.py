"""Opens the two listeners: the public one, and the one for the durable client, which is loopback only."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from localazure.serving import listen

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
NO_LIMIT = 0
HEADER_LIMIT = 32_768
"""Bytes of one header, as in the original, whose limit is for all of them together; aiohttp's own is a quarter."""


class HttpListener:
    """One port on which every request goes to one handler. `body_limit` in bytes, 0 for none."""

    def __init__(self, handler: Handler, body_limit: int = NO_LIMIT) -> None:
        app = web.Application(client_max_size=body_limit)
        app.router.add_route("*", "/{path:.*}", handler)
        app.on_response_prepare.append(_bare)
        self._runner = web.AppRunner(
            app, access_log=None, shutdown_timeout=1.0, auto_decompress=False, max_field_size=HEADER_LIMIT
        )

    async def open(self, host: str, port: int, option: str) -> int:
        """Listen; returns the port, which is a free one when `port` is 0.

        Raises PortTakenError that names the command line option.
        """
        await self._runner.setup()
        return await listen(self._runner, host, port, option=option)

    async def close(self) -> None:
        await self._runner.cleanup()


async def _bare(_: web.Request, response: web.StreamResponse) -> None:
    """Nothing is added to what a function answers: aiohttp gives empty answers a content type of its own."""
    if isinstance(response, web.Response) and response.body is None:
        response.headers.pop("Content-Type", None)
    response.headers.pop("Server", None)
