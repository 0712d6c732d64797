"""The endpoints under `/admin`: state of the host, what functions there are, running one by hand."""

from __future__ import annotations

import asyncio
import json
import os
import platform
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from aiohttp import web
from azure.core.exceptions import AzureError
from azure.functions.meta import Datum

from localazure.durable.functions import FunctionFailure
from localazure.host.functions import HostedFunction
from localazure.host.host_json import Section
from localazure.host.http.describe import describe
from localazure.host.http.key_pages import KeyPages
from localazure.host.http.keys import Keys, given_key
from localazure.host.index import Index
from localazure.host.invocation import Invoker, TriggerCall
from localazure.host.json_input import parse_json
from localazure.host.trigger_kinds import TRIGGER_KINDS

VERSION = version("localazure")

Page = Callable[[web.Request], Awaitable[web.Response]]
CallMaker = Callable[[HostedFunction, str], Awaitable[TriggerCall]]
"""Makes a call of the text of a manual run. Raises ValueError or AzureError."""


@dataclass
class HostFacts:
    """What `/admin` tells about the host. `base_url` is where the HTTP functions are."""

    host_id: str
    route_prefix: str
    state: str = "Initialized"
    base_url: str = ""
    started: float = field(default_factory=time.monotonic)


class Admin:
    """`call_makers` are for triggers whose manual run must look something up first."""

    def __init__(
        self,
        index: Index,
        invoker: Invoker,
        keys: Keys,
        host_json: Section,
        *,
        facts: HostFacts,
        call_makers: Mapping[str, CallMaker],
    ) -> None:
        self._index = index
        self._invoker = invoker
        self._keys = keys
        self._host_json = host_json
        self._facts = facts
        self._call_makers = call_makers
        self._key_pages = KeyPages(keys, index)
        self._runs: set[asyncio.Task[None]] = set()
        self._pages: dict[tuple[str, str], Page] = {
            ("GET", "host/status"): self._status,
            ("GET", "host/config"): self._config,
            ("POST", "host/synctriggers"): self._synctriggers,
            ("GET", "functions"): self._functions,
            ("GET", "warmup"): self._warmup,
            ("POST", "warmup"): self._warmup,
        }

    def add_pages(self, pages: Mapping[tuple[str, str], Page]) -> None:
        """Serve more, by method and path below `/admin` in lower case."""
        self._pages |= pages

    async def handle(self, request: web.Request, path: str) -> web.Response:
        path = path.strip("/")
        if path.lower() == "host/ping" and request.method in {"GET", "POST"}:
            return web.Response()
        if not self._keys.opens_admin(given_key(request.headers, request.query)):
            return web.Response(status=401)
        page = self._pages.get((request.method, path.lower()))
        if page is not None:
            return await page(request)
        answer = await self._key_pages.handle(request, path)
        if answer is not None:
            return answer
        collection, _, rest = path.partition("/")
        if collection.lower() == "functions" and rest:
            return await self._function(request, rest)
        return web.Response(status=404)

    async def _status(self, _: web.Request) -> web.Response:
        facts = self._facts
        status: dict[str, Any] = {
            "id": facts.host_id,
            "state": facts.state,
            "version": VERSION,
            "versionDetails": f"localazure {VERSION}",
            "platformVersion": platform.platform(),
            "instanceId": f"{facts.host_id}-{os.getpid()}",
            "computerName": platform.node(),
            "processUptime": round((time.monotonic() - facts.started) * 1000),
            "functionAppContentEditingState": "Unknown",
        }
        if bundle := self._host_json.section("extensionBundle").values:
            status["extensionBundle"] = {"id": bundle.get("id"), "version": bundle.get("version")}
        if self._index.errors:
            status["errors"] = self._index.errors
        return web.json_response(status)

    async def _config(self, _: web.Request) -> web.Response:
        return web.json_response(dict(self._host_json.values))

    async def _synctriggers(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "success"})

    async def _functions(self, _: web.Request) -> web.Response:
        return web.json_response([self._describe(function) for function in self._index.functions])

    async def _warmup(self, _: web.Request) -> web.Response:
        for function in self._index.runnable("warmuptrigger"):
            self._start(function, TriggerCall(Datum("{}", "json"), "Warm-up."))
        return web.Response()

    async def _function(self, request: web.Request, rest: str) -> web.Response:
        name, _, part = rest.partition("/")
        function = self._index.find(name)
        if function is None:
            return web.Response(status=404)
        match request.method, part.lower():
            case "GET", "":
                return web.json_response(self._describe(function))
            case "GET", "status":
                return web.json_response({"errors": list(function.errors)} if function.errors else {})
            case "POST", "":
                return await self._run_by_hand(request, function)
        return web.Response(status=404)

    async def _run_by_hand(self, request: web.Request, function: HostedFunction) -> web.Response:
        try:
            content = parse_json(await request.read())
            if not isinstance(content, dict) or not function.is_runnable:
                return web.Response(status=400)
            given = content.get("input")
            text = given if isinstance(given, str) else "" if given is None else json.dumps(given)
            call = await self._manual_call(function, text)
        except (ValueError, AzureError):
            return web.Response(status=400)
        self._start(function, call)
        return web.Response(status=202)

    async def _manual_call(self, function: HostedFunction, text: str) -> TriggerCall:
        """Raises ValueError for a function that only the task hub can run."""
        if make := self._call_makers.get(function.trigger.kind):
            return await make(function, text)
        manual_call = TRIGGER_KINDS[function.trigger.kind].manual_call
        if manual_call is None:
            raise ValueError(f"{function.name} cannot be run by hand")
        return manual_call(function, text)

    def _start(self, function: HostedFunction, call: TriggerCall) -> None:
        task = asyncio.create_task(self._run(function, call))
        self._runs.add(task)
        task.add_done_callback(self._runs.discard)

    async def _run(self, function: HostedFunction, call: TriggerCall) -> None:
        with suppress(FunctionFailure):  # logged where it happened; nobody waits for the outcome
            await self._invoker.invoke(function, call)

    def _describe(self, function: HostedFunction) -> dict[str, Any]:
        return describe(function, self._facts.base_url, self._facts.route_prefix)
