"""The endpoints under `/admin/host` that change what the host does: drain, resume, state, restart."""

from __future__ import annotations

from aiohttp import web

from localazure.host.control import Control
from localazure.host.http.admin import Page
from localazure.host.invocation import Invoker
from localazure.host.json_input import parse_json


class ControlPages:
    """Drain and resume as the cloud does before it takes an instance away; state and restart as its portal does."""

    def __init__(self, control: Control, invoker: Invoker) -> None:
        self._control = control
        self._invoker = invoker

    @property
    def pages(self) -> dict[tuple[str, str], Page]:
        return {
            ("POST", "host/drain"): self._drain,
            ("GET", "host/drain/status"): self._drain_status,
            ("POST", "host/resume"): self._resume,
            ("PUT", "host/state"): self._state,
            ("POST", "host/restart"): self._restart,
        }

    async def _drain(self, _: web.Request) -> web.Response:
        self._control.drain()
        return web.Response(status=202)

    async def _drain_status(self, _: web.Request) -> web.Response:
        running = self._invoker.running
        return web.json_response(
            # A stopping listener gives up its pauses between attempts, so no retry is ever outstanding.
            {"state": self._control.drain_state, "outstandingInvocations": running, "outstandingRetries": 0}
        )

    async def _resume(self, _: web.Request) -> web.Response:
        await self._control.resume()
        return web.json_response({"state": "Running"})

    async def _state(self, request: web.Request) -> web.Response:
        try:
            wanted = parse_json(await request.read())
        except ValueError:
            return web.Response(status=400)
        if wanted not in ("running", "offline"):
            return web.Response(status=400)
        await self._control.set_offline(is_offline=wanted == "offline")
        return web.Response(status=202)

    async def _restart(self, _: web.Request) -> web.Response:
        self._control.restart_requested.set()
        return web.Response()
