"""The other doors of an app: its HTTP functions, and those that a queue, a timer or a feed triggers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web

from localazure.durable.client_binding import WEBHOOK_PATH
from localazure.durable.functions import FunctionFailure
from localazure.durable.http import ManagementApi
from localazure.durable.hub import TaskHub
from localazure.host.app import App
from localazure.host.http.messages import response_of, trigger_call
from localazure.host.http.routes import RouteTable
from localazure.host.invocation import Invoker
from localazure.host.trigger_kinds import TRIGGER_KINDS
from localazure.testing.errors import TestingError

RPC = "durabletask"


@dataclass(frozen=True)
class Reply:
    """The answer to an HTTP request."""

    status: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()

    def json(self) -> Any:
        """Raises ValueError for a body that is not JSON."""
        return json.loads(self.content)


async def request(url: str, method: str, path: str, body: Any, headers: Mapping[str, str]) -> Reply:
    """Send a request to the hub's own listener. `body` is a JSON value, None for an empty body."""
    if not url:
        raise TestingError("the app has neither HTTP functions nor a durable client, so nothing listens")
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"{url}/{path.lstrip('/')}", json=body, headers=headers) as answer,
    ):
        return Reply(answer.status, dict(answer.headers), await answer.read())


class Doors:
    """What the app lets in besides the task hub's own work. Keys, limits and CORS are the host's affair."""

    def __init__(self, app: App, invoker: Invoker, hub: TaskHub, url: str) -> None:
        self._index = app.index
        self._invoker = invoker
        prefix = app.host_json.section("extensions").section("http").text("routePrefix", "api")
        self._routes = RouteTable(app.index.runnable("httptrigger"), prefix)
        self._apis = {
            f"{WEBHOOK_PATH}/": ManagementApi(hub, is_rpc=False, base_url=url, code=""),
            f"/{RPC}/": ManagementApi(hub, is_rpc=True, base_url=url, code=""),
        }

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Serve HTTP functions, the management API, and the durable client of functions."""
        for root, api in self._apis.items():
            if request.path.startswith(root):
                return await api.handle(request, request.path.removeprefix(root))
        found = self._routes.match(request.method, request.raw_path)
        if found is None:
            return web.Response(status=404)
        function, values = found[0].function, found[1]
        call = trigger_call(function, request, await request.read(), values)
        try:
            return response_of(await self._invoker.invoke(function, call))
        except FunctionFailure as failure:
            return web.Response(status=500, text=f"{failure}\n{failure.stack}")

    async def trigger(self, name: str, data: str) -> None:
        """Run a function by hand. Raises TestingError for one that cannot be, FunctionFailure."""
        function = self._index.find(name)
        if function is None or not function.is_runnable:
            known = ", ".join(each.name for each in self._index.functions)
            raise TestingError(f"there is no function '{name}'; there are {known}")
        kind = TRIGGER_KINDS[function.trigger.kind]
        if kind.manual_call is None:
            raise TestingError(f"'{name}' cannot be run by hand")
        await self._invoker.invoke(function, kind.manual_call(function, data))
