"""What tests and people ask of the simulator itself, below /_sandbox: ledger, faults, clock and webhooks.

These endpoints need no key: the simulator listens on this machine only. Errors are `{"error": "<what is wrong>"}`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.database import Database
from sandbox.payments import ledger
from sandbox.payments.clock import Clock
from sandbox.payments.desk import Desk
from sandbox.payments.faults import Faults, Rule
from sandbox.payments.http import OPERATION_NAMES, Api
from sandbox.payments.refund_operations import let_time_pass
from sandbox.payments.webhooks import Outbox, Sender, Target


class _Skip(BaseModel):
    model_config = ConfigDict(extra="forbid")
    advance_s: float = Field(ge=0)


class _Deliver(BaseModel):
    model_config = ConfigDict(extra="forbid")
    events: list[str]


class _Aim(BaseModel):
    """A target whose secret may be left to the environment's."""

    model_config = ConfigDict(extra="allow")
    url: str | None


class Control:
    def __init__(
        self,
        *,
        api: Api,
        database: Database,
        desk: Desk,
        clock: Clock,
        faults: Faults,
        outbox: Outbox,
        sender: Sender,
        secret: str,
    ) -> None:
        self._api = api
        self._database = database
        self._desk = desk
        self._clock = clock
        self._faults = faults
        self._outbox = outbox
        self._sender = sender
        self._secret = secret

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/_sandbox/ledger", self.read_ledger),
            web.get("/_sandbox/ledger/{order_id}", self.read_entry),
            web.get("/_sandbox/faults", self.list_faults),
            web.post("/_sandbox/faults", self.add_faults),
            web.delete("/_sandbox/faults", self.clear_faults),
            web.get("/_sandbox/clock", self.read_clock),
            web.post("/_sandbox/clock", self.advance_clock),
            web.get("/_sandbox/webhook", self.read_webhook),
            web.post("/_sandbox/webhook", self.aim_webhook),
            web.delete("/_sandbox/webhook", self.stop_webhook),
            web.post("/_sandbox/webhook/deliver", self.deliver_events),
        ]

    async def read_ledger(self, _request: web.Request) -> web.Response:
        return web.json_response({"orders": ledger.read(self._database), "requests": self._api.requests})

    async def read_entry(self, request: web.Request) -> web.Response:
        order_id = request.match_info["order_id"]
        entry = ledger.read(self._database, order_id).get(order_id)
        if entry is None:
            return web.json_response({"error": f"no intent has the order_id {order_id}"}, status=404)
        return web.json_response(entry)

    async def list_faults(self, _request: web.Request) -> web.Response:
        return web.json_response({"rules": self._faults.listed()})

    async def add_faults(self, request: web.Request) -> web.Response:
        """Takes one rule, or `{"rules": [...]}`."""
        body = await request.json()
        rules = [Rule.model_validate(rule) for rule in body.get("rules", [body])]
        unknown = {rule.operation for rule in rules} - OPERATION_NAMES - {"*"}
        if unknown:
            return web.json_response({"error": f"no such operation: {', '.join(sorted(unknown))}"}, status=400)
        for rule in rules:
            self._faults.add(rule)
        return web.json_response({"rules": self._faults.listed()}, status=201)

    async def clear_faults(self, _request: web.Request) -> web.Response:
        self._faults.clear()
        return web.Response(status=204)

    async def read_clock(self, _request: web.Request) -> web.Response:
        return web.json_response({"now": self._clock.now()})

    async def advance_clock(self, request: web.Request) -> web.Response:
        """Takes `{"advance_s": seconds}`; what falls due on the way has happened when the answer arrives."""
        skip = _Skip.model_validate(await request.json())
        with self._desk.store.transaction():
            self._clock.advance(skip.advance_s)
            let_time_pass(self._desk)
        self._outbox.news.set()
        return await self.read_clock(request)

    async def read_webhook(self, _request: web.Request) -> web.Response:
        target = self._outbox.target
        shown = target.model_dump(exclude={"secret"}) if target else None
        return web.json_response({"target": shown, "deliveries": self._outbox.deliveries()})

    async def aim_webhook(self, request: web.Request) -> web.Response:
        """Takes a Target; the secret may be left out, `url` null means nowhere."""
        asked = _Aim.model_validate(await request.json())
        target = Target.model_validate({"secret": self._secret, **asked.model_dump()}) if asked.url else None
        self._outbox.aim(target)
        return await self.read_webhook(request)

    async def stop_webhook(self, _request: web.Request) -> web.Response:
        self._outbox.aim(None)
        return web.Response(status=204)

    async def deliver_events(self, request: web.Request) -> web.Response:
        """Takes `{"events": [ids]}` and sends exactly these in exactly this order, repetitions included."""
        wanted = _Deliver.model_validate(await request.json()).events
        documents = [(event_id, self._outbox.document(event_id)) for event_id in wanted]
        missing = [event_id for event_id, document in documents if document is None]
        if missing:
            return web.json_response({"error": f"no such event: {', '.join(missing)}"}, status=404)
        sent = [
            {"event": event_id, "status": await self._sender.post(document)}
            for event_id, document in documents
            if document
        ]
        return web.json_response({"deliveries": sent})


@web.middleware
async def explain_bad_requests(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """A body that does not fit becomes a 400 that names the field."""
    try:
        return await handler(request)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return web.json_response({"error": f"{where}: {first['msg']}" if where else first["msg"]}, status=400)
    except ValueError as error:
        return web.json_response({"error": f"not JSON: {error}"}, status=400)
