"""Where every request to the public listener arrives and is handed to a function, an admin page or a webhook."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from localazure.durable.functions import FunctionFailure
from localazure.errors import ConfigError
from localazure.host.functions import HostedFunction
from localazure.host.host_json import Section
from localazure.host.http.admin import Admin
from localazure.host.http.cors import Cors
from localazure.host.http.keys import Keys, given_key
from localazure.host.http.messages import response_of, trigger_call
from localazure.host.http.routes import Route, RouteTable
from localazure.host.invocation import Invoker
from localazure.host.settings import Settings

log = logging.getLogger(__name__)

DEFAULT_BODY_LIMIT = 104_857_600
_BODY_LIMIT = "FUNCTIONS_REQUEST_BODY_SIZE_LIMIT"
_WEBHOOK_METHODS = frozenset({"GET", "PUT", "POST", "DELETE", "OPTIONS"})
_HOME = "<!doctype html><title>localazure</title><h1>Your function app is up and running</h1>"


class Webhook(Protocol):
    """What an extension does with requests to `/runtime/webhooks/<extension>/<path>`."""

    async def handle(self, request: web.Request, path: str) -> web.StreamResponse: ...


@dataclass(frozen=True)
class HttpOptions:
    """`extensions.http` of host.json; a negative limit means none. `body_limit` in bytes."""

    route_prefix: str
    max_outstanding: int
    max_concurrent: int
    custom_headers: Mapping[str, str]
    body_limit: int
    homepage: bool

    @classmethod
    def read(cls, section: Section, settings: Settings) -> HttpOptions:
        """Raises ConfigError."""
        headers = section.section("customHeaders").values
        return cls(
            route_prefix=section.text("routePrefix", "api"),
            max_outstanding=section.integer("maxOutstandingRequests", -1),
            max_concurrent=section.integer("maxConcurrentRequests", -1),
            custom_headers={name: str(value) for name, value in headers.items()},
            body_limit=_body_limit(settings),
            homepage=not settings.is_true("AzureWebJobsDisableHomepage"),
        )


def _body_limit(settings: Settings) -> int:
    text = settings.get(_BODY_LIMIT, str(DEFAULT_BODY_LIMIT))
    if not text.isdecimal():
        raise ConfigError(f"{_BODY_LIMIT}: {text!r} is not a number of bytes")
    return int(text)


class Gateway:
    """Answers 503 until `open`, which is called once everything that functions need is running, and after `close`."""

    def __init__(
        self,
        *,
        routes: RouteTable,
        invoker: Invoker,
        admin: Admin,
        keys: Keys,
        cors: Cors,
        options: HttpOptions,
    ) -> None:
        self._routes = routes
        self._invoker = invoker
        self._admin = admin
        self._keys = keys
        self._cors = cors
        self._options = options
        self._webhooks: dict[str, tuple[Webhook, str]] = {}
        self._outstanding = 0
        self._slots = asyncio.Semaphore(options.max_concurrent) if options.max_concurrent > 0 else None
        self._is_open = False
        self.is_offline = False
        """Whether only `/admin` is served, because somebody wants it so."""
        self._idle = asyncio.Event()
        """Set when the last request has been answered after `close`."""

    def open(self) -> None:
        self._is_open = True

    async def close(self, grace_s: float) -> None:
        """Take no more requests, and wait so long for those that functions are answering."""
        self._is_open = False
        if self._outstanding:
            with suppress(TimeoutError):
                async with asyncio.timeout(grace_s):
                    await self._idle.wait()

    def mount(self, extension: str, webhook: Webhook, system_key: str) -> None:
        """Serve `/runtime/webhooks/<extension>` to holders of the system key of that name."""
        self._webhooks[extension] = (webhook, system_key)

    def handle(self, request: web.Request) -> Awaitable[web.StreamResponse]:
        is_marked = self._cors.origins or self._options.custom_headers
        return self._marked(request) if is_marked else self._dispatch(request)

    async def _marked(self, request: web.Request) -> web.StreamResponse:
        """The answer with the headers that host.json and local.settings.json ask for."""
        response = self._cors.preflight(request) or await self._dispatch(request)
        self._cors.mark(request, response)
        for name, value in self._options.custom_headers.items():
            response.headers[name] = value
        return response

    async def _dispatch(self, request: web.Request) -> web.StreamResponse:
        if not self._is_open:
            return web.Response(status=503)
        found = self._routes.match(request.method, request.raw_path)
        if found is not None and not self.is_offline:
            return await self._function(request, *found)
        first, _, rest = request.path.strip("/").partition("/")
        if first.lower() == "admin":
            return await self._admin.handle(request, rest)
        if self.is_offline:
            return web.Response(status=503)
        if first.lower() == "runtime":
            return await self._webhook(request, rest)
        if first or request.method not in {"GET", "HEAD"}:
            return web.Response(status=404)
        return (
            web.Response(text=_HOME, content_type="text/html") if self._options.homepage else web.Response(status=204)
        )

    async def _webhook(self, request: web.Request, rest: str) -> web.StreamResponse:
        webhooks, _, path = rest.partition("/")
        extension, _, path = path.partition("/")
        known = self._webhooks.get(extension.lower()) if webhooks.lower() == "webhooks" else None
        if known is None or request.method not in _WEBHOOK_METHODS:
            return web.Response(status=404)
        webhook, system_key = known
        if not self._keys.opens_extension(given_key(request.headers, request.query), system_key):
            return web.Response(status=401)
        return await webhook.handle(request, path)

    async def _function(self, request: web.Request, route: Route, values: Mapping[str, str]) -> web.StreamResponse:
        if self._keys.is_enforced and not self._is_allowed(request, route.function):
            return web.Response(status=401)
        if 0 <= self._options.max_outstanding <= self._outstanding:
            return web.Response(status=429)
        self._outstanding += 1
        try:
            if self._slots is None:
                return await self._invoke(request, route, values)
            async with self._slots:
                return await self._invoke(request, route, values)
        finally:
            self._outstanding -= 1
            if not self._is_open and not self._outstanding:
                self._idle.set()

    def _is_allowed(self, request: web.Request, function: HostedFunction) -> bool:
        level = function.trigger.text("authLevel", default="function").lower()
        return self._keys.opens_function(given_key(request.headers, request.query), function.name, level)

    async def _body(self, request: web.Request) -> bytes:
        """Raises HTTPRequestEntityTooLarge, before anything is read if possible, and ConnectionError."""
        limit, length = self._options.body_limit, request.content_length or 0
        if 0 < limit < length:
            raise web.HTTPRequestEntityTooLarge(limit, length)
        return await request.read()

    async def _invoke(self, request: web.Request, route: Route, values: Mapping[str, str]) -> web.StreamResponse:
        try:
            body = await self._body(request) if request.can_read_body else b""
        except web.HTTPRequestEntityTooLarge:
            return web.Response(status=413)
        except ConnectionError:
            return web.Response(status=400)  # the client has gone before all was said; nobody hears this
        try:
            result = await self._invoker.invoke(route.function, trigger_call(route.function, request, body, values))
            return response_of(result)
        except FunctionFailure:
            return web.Response(status=500)
        except (ValueError, TypeError, AttributeError):
            log.exception("What the function '%s' has returned cannot be sent.", route.function.name)
            return web.Response(status=500)
