"""Opens the two listeners: the public one, and the one for the durable client, which is loopback only.

They are aiohttp's low-level server, because its router would cost a fifth of a request and decide nothing here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import hdrs, web

from localazure.serving import listen

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
NO_LIMIT = 0
HEADER_LIMIT = 32_768
"""Bytes of one header, as in the original, whose limit is for all of them together; aiohttp's own is a quarter."""


class HttpListener:
    """One port on which every request goes to one handler. `body_limit` in bytes, 0 for none."""

    def __init__(self, handler: Handler, body_limit: int = NO_LIMIT) -> None:
        self._handler = handler
        self._body_limit = body_limit
        self._runner: web.ServerRunner | None = None

    async def open(self, host: str, port: int, option: str) -> int:
        """Listen; returns the port, which is a free one when `port` is 0.

        Raises PortTakenError that names the command line option.
        """
        server = web.Server(
            self._handle,  # type: ignore[arg-type]  # the factory makes requests of the richer class
            request_factory=self._request,
            access_log=None,
            auto_decompress=False,
            max_field_size=HEADER_LIMIT,
        )
        self._runner = web.ServerRunner(server, shutdown_timeout=1.0)
        await self._runner.setup()
        return await listen(self._runner, host, port, option=option)

    async def close(self) -> None:
        """Stop listening; nothing to do when it never began."""
        if self._runner is not None:
            await self._runner.cleanup()

    def _request(self, *parts: Any) -> web.Request:
        message, payload, protocol, writer, task = parts
        loop = asyncio.get_running_loop()
        return _Request(message, payload, protocol, writer, task, loop, client_max_size=self._body_limit)

    def _handle(self, request: web.Request) -> Awaitable[web.StreamResponse]:
        is_asked = request.headers.get(hdrs.EXPECT, "").lower() == "100-continue"
        return self._encourage(request) if is_asked else self._handler(request)

    async def _encourage(self, request: web.Request) -> web.StreamResponse:
        """Let the client send the body, for which it waits."""
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0
        return await self._handler(request)


class _Request(web.Request):
    """Answers to it are sent as they are."""

    async def _prepare_hook(self, response: web.StreamResponse) -> None:
        """Nothing is added to what a function answers: aiohttp gives empty answers a content type of its own."""
        if isinstance(response, web.Response) and response.body is None:
            response.headers.pop(hdrs.CONTENT_TYPE, None)
        response.headers.pop(hdrs.SERVER, None)
