"""Events on their way to the merchant: written with the change they tell of, sent afterwards, signed as Stripe signs.

A delivery that is not answered with 2xx is tried again, ever more slowly. A target may ask for trouble: several copies
of each event, the newest first, or none until told which, which makes duplicates and any order reproducible.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import sqlite3
import time
from collections.abc import Sequence

import aiohttp
from pydantic import BaseModel, ConfigDict, Field

from sandbox.database import Database
from sandbox.payments.clock import Clock
from sandbox.payments.events import Happening
from sandbox.payments.ids import new_id
from sandbox.payments.objects import Json
from sandbox.payments.store import Query

API_VERSION = "2026-10-28.endive"
RETRY_AFTER_S = (1, 2, 4, 8, 30, 120, 600, 3600)
TIMEOUT_S = 10


class Target(BaseModel):
    """Where events go. `copies` of each are sent; `newest_first` turns each batch around; `paused` sends nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: str = Field(pattern="^https?://")
    secret: str = Field(min_length=1)
    copies: int = Field(default=1, ge=1, le=10)
    newest_first: bool = False
    paused: bool = False


class Outbox:
    """All events that ever happened, and the deliveries that are still to be made."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        kept = database.run("setting", name="webhook")
        self.target = Target.model_validate_json(kept[0]["value"]) if kept and kept[0]["value"] else None
        self.news = asyncio.Event()

    def aim(self, target: Target | None) -> None:
        """Send what happens from now on to a target, or to nobody. What is due already goes to it too."""
        self.target = target
        self._database.run("keep_setting", name="webhook", value=target.model_dump_json() if target else "")
        self.news.set()

    def record(self, happenings: Sequence[Happening], *, request_id: str | None, key: str | None) -> None:
        """Keep what happened, within the caller's transaction."""
        now = self._clock.now()
        for type_, subject in happenings:
            event_id = new_id("evt")
            event = {
                "id": event_id,
                "object": "event",
                "api_version": API_VERSION,
                "created": int(now),
                "data": {"object": subject},
                "livemode": False,
                "pending_webhooks": 1 if self.target else 0,
                "request": {"id": request_id, "idempotency_key": key},
                "type": type_,
            }
            self._database.run("keep_event", id=event_id, created=int(now), type=type_, document=json.dumps(event))
            for _ in range(self.target.copies if self.target and not self.target.paused else 0):
                self._database.run("plan_delivery", event_id=event_id, due_at=now)
        self.news.set()

    def events(self, query: Query, limit: int) -> list[Json]:
        """Newest first."""
        rows = self._database.page("events", query.condition, query.values, limit=limit, offset=0)
        return [json.loads(row["document"]) for row in rows]

    def document(self, event_id: str) -> str | None:
        """An event as JSON."""
        rows = self._database.run("event", id=event_id)
        return rows[0]["document"] if rows else None

    def deliveries(self) -> list[dict[str, object]]:
        """The latest 100 deliveries and how they went, newest first; `due_at` is null once they are over."""
        return [dict(row) for row in self._database.run("deliveries")]

    def next_due(self) -> float | None:
        """When the next delivery is due, epoch seconds."""
        if self.target is None or self.target.paused:
            return None
        at: float | None = self._database.run("next_delivery")[0]["at"]
        return at

    def due(self) -> list[sqlite3.Row]:
        """What is to be sent now, in the order in which it is to be sent."""
        if self.target is None or self.target.paused:
            return []
        rows = self._database.run("due_deliveries", now=self._clock.now())
        return rows[::-1] if self.target.newest_first else rows

    def note(self, delivery: sqlite3.Row, status: int | None) -> None:
        """Keep how an attempt went (None: no answer), and plan the next one if it is needed and there is one."""
        attempts = delivery["attempts"] + 1
        delivered = status is not None and 200 <= status < 300
        again = not delivered and attempts <= len(RETRY_AFTER_S)
        self._database.run(
            "keep_attempt",
            position=delivery["position"],
            attempts=attempts,
            due_at=self._clock.now() + RETRY_AFTER_S[attempts - 1] if again else None,
            last_status=status,
        )


class Sender:
    """Posts events to the target, one after the other."""

    def __init__(self, outbox: Outbox, session: aiohttp.ClientSession) -> None:
        self._outbox = outbox
        self._session = session

    async def send_due(self) -> None:
        """One attempt for each delivery that is due."""
        for delivery in self._outbox.due():
            self._outbox.note(delivery, await self.post(delivery["document"]))

    async def post(self, document: str) -> int | None:
        """Send one event now; the status of the answer, None without one or without a target."""
        target = self._outbox.target
        if target is None:
            return None
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature(document, target.secret, int(time.time())),
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
        }
        try:
            async with self._session.post(target.url, data=document.encode(), headers=headers) as answer:
                return answer.status
        except (aiohttp.ClientError, TimeoutError):
            return None


def signature(document: str, secret: str, at: int) -> str:
    """The `Stripe-Signature` header: when it was signed, and the HMAC-SHA256 over that time and the body."""
    mac = hmac.new(secret.encode(), f"{at}.{document}".encode(), hashlib.sha256)
    return f"t={at},v1={mac.hexdigest()}"
