"""`call_http`: an HTTP request that the task hub makes for an orchestrator, as a built-in activity."""

from __future__ import annotations

import json
from typing import Any

import aiohttp

from localazure.durable.events import dump
from localazure.durable.functions import FunctionFailure

TIMEOUT_S = 100.0


class HttpCalls:
    """One client session, made on first use."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def call(self, request_json: str) -> str:
        """Carry out the `httpRequest` of an action.

        Returns JSON `{"statusCode": int, "headers": {str: str}, "content": str | null}`, whatever the status.
        Raises FunctionFailure when there is no answer.
        """
        request: dict[str, Any] = json.loads(request_json)
        if request.get("tokenSource"):
            raise FunctionFailure("NotSupportedException", "call_http with a token source is not supported here")
        try:
            return await self._send(request)
        except (aiohttp.ClientError, TimeoutError, ValueError) as failed:
            raise FunctionFailure(type(failed).__name__, str(failed) or "the request failed") from failed

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _send(self, request: dict[str, Any]) -> str:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
            self._session = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
        content = request.get("content")
        headers = dict(request.get("headers") or {})
        if content is not None and "content-type" not in {name.lower() for name in headers}:
            headers["Content-Type"] = "text/plain; charset=utf-8"
        body = None if content is None else content.encode()
        async with self._session.request(request["method"], request["uri"], data=body, headers=headers) as answer:
            text = await answer.text()
            return dump({"statusCode": answer.status, "headers": dict(answer.headers), "content": text or None})
