"""A payment simulator of a test's own: its clock may skip days, its faults strike nobody else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import stripe

from sandbox.payments.service import Options, payments

DAY_S = 24 * 60 * 60


@dataclass(frozen=True)
class Provider:
    """The simulator as its owner sees it: by its control endpoints, and by the SDK for what was asked of it."""

    url: str
    http: aiohttp.ClientSession
    sdk: stripe.StripeClient

    async def ledger(self, order_id: str) -> dict[str, int]:
        """What it did for an order."""
        async with self.http.get(f"{self.url}/_sandbox/ledger/{order_id}") as answer:
            entry: dict[str, int] = await answer.json()
        return entry

    async def skip(self, seconds: float) -> None:
        """Let its time pass."""
        await self._post("clock", {"advance_s": seconds})

    @asynccontextmanager
    async def outage(self, operation: str, **action: Any) -> AsyncIterator[None]:
        """Let trouble befall every request of an operation until the end of the block."""
        await self._post("faults", {"operation": operation, "times": 100, "action": action})
        yield
        async with self.http.delete(f"{self.url}/_sandbox/faults") as answer:
            answer.raise_for_status()

    async def deliver(self, url: str, secret: str, event_ids: list[str]) -> list[int]:
        """Send these events, signed, to a URL; how each was answered."""
        await self._post("webhook", {"url": url, "secret": secret, "paused": True})
        sent = await self._post("webhook/deliver", {"events": event_ids})
        return [delivery["status"] for delivery in sent["deliveries"]]

    async def events(self, type_: str) -> list[stripe.Event]:
        """What it has to say of one type, oldest first."""
        page = await self.sdk.v1.events.list_async({"type": type_, "limit": 100})
        return page.data[::-1]

    async def _post(self, path: str, body: Mapping[str, Any]) -> Any:
        async with self.http.post(f"{self.url}/_sandbox/{path}", json=body) as answer:
            answer.raise_for_status()
            return await answer.json()


@asynccontextmanager
async def a_provider() -> AsyncIterator[Provider]:
    """Run a simulator in this loop until the end of the block."""
    transport = stripe.AIOHTTPClient()
    async with payments(Options()) as facts, aiohttp.ClientSession() as http:
        sdk = stripe.StripeClient("sk_test_owner", base_addresses={"api": facts["url"]}, http_client=transport)
        yield Provider(facts["url"], http, sdk)
    await transport.close_async()  # type: ignore[no-untyped-call]  # the SDK leaves it untyped
