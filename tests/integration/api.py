"""The functions behind the routes, called as the host does, over a task hub that is a stand-in."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import azure.functions as func

from triggers.http import ROUTES
from triggers.web.endpoint import endpoint

AT = datetime(2026, 11, 2, 10, 0, 5, 250_000, tzinfo=UTC)


@dataclass
class Hub:
    """A task hub in which every instance of ours is in one runtime status."""

    status: str | None = "Running"

    def __post_init__(self) -> None:
        self.done: list[tuple[Any, ...]] = []

    async def get_status(self, instance_id: str, **_: bool) -> Any:
        if self.status is None:
            return None
        return SimpleNamespace(
            name="fulfil_order",
            instance_id=instance_id,
            created_time=AT,
            last_updated_time=AT,
            input_="{}",
            output=None,
            runtime_status=SimpleNamespace(value=self.status),
            custom_status={"stage": "charging"},
            history=None,
        )

    async def start_new(self, name: str, instance_id: str, client_input: Any) -> str:
        self.done.append(("start_new", name, client_input))
        return instance_id

    async def purge_instance_history(self, instance_id: str) -> Any:
        self.done.append(("purge", instance_id))
        return SimpleNamespace(instances_deleted=1)

    def __getattr__(self, operation: str) -> Callable[..., Awaitable[None]]:
        async def note(*given: Any) -> None:
            self.done.append((operation, *given))

        return note


class Workflows(Hub):
    """A task hub in which those in `running` are under way, and those that were started since."""

    def __init__(self, *running: str) -> None:
        super().__init__()
        self.running = set(running)

    async def get_status(self, instance_id: str, **_: bool) -> Any:
        if instance_id not in self.running:
            return None
        return SimpleNamespace(runtime_status=SimpleNamespace(value="Running"))

    async def start_new(self, name: str, instance_id: str, client_input: Any) -> str:
        self.running.add(instance_id)
        return await super().start_new(name, instance_id, client_input)


@dataclass
class Reply:
    """An answer as a caller reads it."""

    status: int
    body: Any
    headers: Any


class Api:
    """`await api("GET", "/v1/orders", as_="acme operator u-1")`: the function behind a route."""

    def __init__(self) -> None:
        self.hub = Hub()

    async def __call__(self, method: str, path: str, body: Any = None, *, as_: str = "", **headers: str) -> Reply:
        url = urlsplit(path)
        matches = ((route, match(route, method, url.path)) for route in ROUTES)
        route, parts = next((route, parts) for route, parts in matches if parts is not None)
        request = func.HttpRequest(
            method,
            f"https://shop.example/api{path}",
            headers={
                "authorization": f"Bearer {as_}",
                "content-type": "application/json",
                "idempotency-key": "k-1",
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
            params=dict(parse_qsl(url.query)),
            route_params=parts,
            body=json.dumps(body).encode(),
        )
        response = await endpoint(route.handler, route.roles)(request, self.hub)  # type: ignore[arg-type]  # a stand-in
        text = response.get_body()
        return Reply(response.status_code, json.loads(text) if text else None, response.headers)


def match(route: Any, method: str, path: str) -> dict[str, str] | None:
    """The route's parameters in this path, or None when it is not this route."""
    wanted, given = route.path.split("/"), path.strip("/").split("/")
    if route.method != method or len(wanted) != len(given):
        return None
    pairs = list(zip(wanted, given, strict=True))
    if any(want != got and not want.startswith("{") for want, got in pairs):
        return None
    return {want.strip("{}"): unquote(got) for want, got in pairs if want.startswith("{")}
