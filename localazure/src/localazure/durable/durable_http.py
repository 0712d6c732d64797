"""`call_http`: an HTTP request that the task hub makes for an orchestrator, as a built-in activity."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import aiohttp
from multidict import CIMultiDict

from localazure.durable.events import dump
from localazure.durable.functions import FunctionFailure

if TYPE_CHECKING:
    from azure.identity.aio import ManagedIdentityCredential

TIMEOUT_S = 100.0
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""What HTTP calls a token: the only form that methods and names of headers have."""
IDENTITY_KIND = "AzureManagedIdentity"

Headers = CIMultiDict[str]


class HttpCalls:
    """One client session and one credential, each made on first use."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._credential: ManagedIdentityCredential | None = None

    async def call(self, request_json: str) -> str:
        """Carry out the `httpRequest` of an action.

        Returns JSON `{"statusCode": int, "headers": {str: str | [str]}, "content": str | null}`, whatever the status.
        Raises FunctionFailure when the request cannot be made, no token can be had or there is no answer.
        """
        request: dict[str, Any] = json.loads(request_json)
        method, headers = _method(request), _headers(request)
        if request.get("tokenSource"):
            headers["Authorization"] = f"Bearer {await self._token(request['tokenSource'])}"
        try:
            return await self._send(method, request["uri"], request.get("content"), headers)
        except (aiohttp.ClientError, TimeoutError, ValueError, LookupError) as failed:
            raise FunctionFailure(type(failed).__name__, str(failed) or "the request failed") from failed

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
        if self._credential is not None:
            await self._credential.close()

    async def _send(self, method: str, uri: str, content: str | None, headers: Headers) -> str:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
            self._session = aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
        if content is not None:
            headers.setdefault("Content-Type", "text/plain; charset=utf-8")
        body = None if content is None else content.encode()
        async with self._session.request(method, uri, data=body, headers=headers) as answer:
            text = await answer.text(errors="replace")
            return dump({"statusCode": answer.status, "headers": _shown(answer), "content": text or None})

    async def _token(self, source: Any) -> str:
        """A token of the app's managed identity for the source's resource."""
        from azure.identity.aio import ManagedIdentityCredential  # noqa: PLC0415  # 0.2 s that few apps need

        if not isinstance(source, dict) or source.get("kind") != IDENTITY_KIND or not source.get("resource"):
            raise FunctionFailure("NotSupportedException", f"a token source must be a managed identity, not {source!r}")
        resource = str(source["resource"])
        scope = resource if resource.endswith("/.default") else f"{resource}/.default"
        if self._credential is None:
            self._credential = ManagedIdentityCredential()
        try:
            return str((await self._credential.get_token(scope)).token)
        except Exception as refused:
            text = f"no token of the managed identity for {resource}: {refused}"
            raise FunctionFailure(type(refused).__name__, text) from refused


def _method(request: dict[str, Any]) -> str:
    method: str = request["method"]
    if not TOKEN.fullmatch(method):
        raise FunctionFailure("ArgumentException", f"{method!r} is not an HTTP method")
    return method


def _headers(request: dict[str, Any]) -> Headers:
    """The headers of the request; a value may be a list, for a header that is sent several times."""
    given = request.get("headers") or {}
    headers: Headers = CIMultiDict()
    if not isinstance(given, dict):
        raise FunctionFailure("ArgumentException", f"headers must be an object, not {given!r:.100}")
    for name, values in given.items():
        for value in values if isinstance(values, list) else [values]:
            if not TOKEN.fullmatch(name) or not isinstance(value, str) or any(each in value for each in "\r\n\0"):
                raise FunctionFailure("ArgumentException", f"{name!r}: {value!r:.100} is not an HTTP header")
            headers.add(name, value)
    return headers


def _shown(answer: aiohttp.ClientResponse) -> dict[str, str | list[str]]:
    """The headers of an answer; one that came several times has a list."""
    names = dict.fromkeys(answer.headers)
    values = {name: answer.headers.getall(name) for name in names}
    return {name: found[0] if len(found) == 1 else found for name, found in values.items()}
