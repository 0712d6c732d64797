"""The route for payment events behind an HTTP server, and what the provider sends it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import aiohttp
import azure.functions as func
import pytest
from aiohttp import web

from adapters import secrets
from tests.integration.provider import Provider
from triggers.http.take_payment_event import take_payment_event
from triggers.web.endpoint import ANYONE, endpoint

Json = dict[str, Any]


@dataclass
class Hook:
    """The route behind an HTTP server, and a task hub in which only the instances in `running` are under way."""

    url: str = ""
    running: set[str] = field(default_factory=set)

    async def get_status(self, instance_id: str, **_: bool) -> Any:
        status = "Running" if instance_id in self.running else "Completed"
        return SimpleNamespace(runtime_status=SimpleNamespace(value=status))

    async def answer(self, request: web.Request) -> web.Response:
        told = func.HttpRequest(
            "POST",
            str(request.url),
            headers=dict(request.headers),
            params={},
            route_params={},
            body=await request.read(),
        )
        answered = await endpoint(take_payment_event, ANYONE)(told, self)  # type: ignore[arg-type]  # a stand-in
        return web.Response(
            status=answered.status_code,
            body=answered.get_body(),
            headers=answered.headers,
            content_type=answered.mimetype,
        )

    async def post(self, body: bytes, stripe_signature: str | None) -> tuple[int, Json]:
        """Send something of one's own; status and body of the answer."""
        headers = {"Content-Type": "application/json"} | (
            {"Stripe-Signature": stripe_signature} if stripe_signature else {}
        )
        async with aiohttp.ClientSession() as http, http.post(self.url, data=body, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    served = Hook()
    app = web.Application(client_max_size=4 * 1024 * 1024)
    app.add_routes([web.post("/api/payments/webhook", served.answer)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    served.url = f"http://{host}:{port}/api/payments/webhook"
    yield served
    await runner.cleanup()


Deliver = Callable[..., Any]


@pytest.fixture
def deliver(provider: Provider, hook: Hook) -> Deliver:
    """`await deliver(type)`: the provider sends its events of this type, oldest first, `copies` times; the answers."""

    async def send(*types: str, copies: int = 1) -> list[int]:
        found = [event.id for type_ in types for event in await provider.events(type_)]
        assert found, f"nothing happened that is called {types}"
        return await provider.deliver(hook.url, await secret(), found * copies)

    return send


async def secret() -> str:
    return await secrets.secret(secrets.STRIPE_WEBHOOK_SECRET)
