"""Stripe's HTTP API: one pipeline for every request.

credentials → faults → idempotency key → parameters → operation, with its effect and the answer under its key kept in
one transaction → headers. Operations never wait, so one request is executed at a time and no two can interleave.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from sandbox.payments import dispute_operations, errors, intent_operations, lookups, refund_operations
from sandbox.payments.clock import Clock
from sandbox.payments.desk import Call, Desk, Operation, Reply
from sandbox.payments.errors import StripeError
from sandbox.payments.faults import Action, Faults
from sandbox.payments.forms import decode
from sandbox.payments.idempotency import Answer, Claim, Idempotency
from sandbox.payments.ids import new_id
from sandbox.payments.objects import error_object
from sandbox.payments.parameters import Parameters

OPERATIONS: dict[tuple[str, str], Operation] = {
    ("POST", "/v1/payment_intents"): intent_operations.create_payment_intent,
    ("GET", "/v1/payment_intents"): lookups.list_payment_intents,
    ("GET", "/v1/payment_intents/search"): lookups.search_payment_intents,
    ("GET", "/v1/payment_intents/{id}"): intent_operations.retrieve_payment_intent,
    ("POST", "/v1/payment_intents/{id}"): intent_operations.update_payment_intent,
    ("POST", "/v1/payment_intents/{id}/confirm"): intent_operations.confirm_payment_intent,
    ("POST", "/v1/payment_intents/{id}/capture"): intent_operations.capture_payment_intent,
    ("POST", "/v1/payment_intents/{id}/cancel"): intent_operations.cancel_payment_intent,
    ("GET", "/v1/charges/{id}"): lookups.retrieve_charge,
    ("POST", "/v1/refunds"): refund_operations.create_refund,
    ("GET", "/v1/refunds"): lookups.list_refunds,
    ("GET", "/v1/refunds/{id}"): refund_operations.retrieve_refund,
    ("POST", "/v1/refunds/{id}"): refund_operations.update_refund,
    ("POST", "/v1/refunds/{id}/cancel"): refund_operations.cancel_refund,
    ("GET", "/v1/events"): lookups.list_events,
    ("GET", "/v1/events/{id}"): lookups.retrieve_event,
    ("POST", "/_sandbox/payment_intents/{id}/authenticate"): intent_operations.authenticate_payment_intent,
    ("POST", "/_sandbox/payment_intents/{id}/dispute"): dispute_operations.dispute_payment_intent,
    ("POST", "/_sandbox/refunds/{id}/settle"): refund_operations.settle_refund,
}

OPERATION_NAMES = {operation.__name__ for operation in OPERATIONS.values()}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Received:
    """A request as it came in: its names and its form, still encoded."""

    operation: str
    execute: Operation
    method: str
    path: str
    object_id: str
    form: str
    request_id: str
    key: str | None


class Api:
    """`api_key` None takes any test key. `requests` counts the requests of Stripe's API since the start."""

    def __init__(
        self, desk: Desk, *, clock: Clock, idempotency: Idempotency, faults: Faults, api_key: str | None
    ) -> None:
        self._desk = desk
        self._clock = clock
        self._idempotency = idempotency
        self._faults = faults
        self._api_key = api_key
        self.requests = 0

    def routes(self) -> list[web.RouteDef]:
        """All operations, and Stripe's 404 for every other path below /v1."""
        known = [web.route(method, path, self._handler(operation)) for (method, path), operation in OPERATIONS.items()]
        return [*known, web.route("*", "/v1/{rest:.*}", self._unknown)]

    def _handler(self, operation: Operation) -> Handler:
        async def handle(request: web.Request) -> web.StreamResponse:
            received = await _receive(request, operation)
            if received.path.startswith("/v1/"):
                self.requests += 1
            try:
                self._authenticate(request)
                trouble = self._faults.strike(received.operation)
                if trouble.drop == "before":
                    return _hang_up(request)
                answer = await self._answer(received, trouble)
            except StripeError as error:
                answer = _refusal(error)
            else:
                if trouble.drop == "after":
                    return _hang_up(request)
            return _response(request, received, answer)

        return handle

    async def _unknown(self, request: web.Request) -> web.StreamResponse:
        self.requests += 1
        answer = _refusal(errors.unrecognized_url(request.method, request.path))
        headers = {"Request-Id": new_id("req")}
        return web.Response(status=answer.status, text=answer.body, content_type="application/json", headers=headers)

    def _authenticate(self, request: web.Request) -> None:
        key = _api_key(request.headers.get("Authorization", ""))
        known = key == self._api_key if self._api_key else key.startswith("sk_test_")
        if not known:
            raise errors.unauthenticated(key)

    async def _answer(self, received: _Received, trouble: Action) -> Answer:
        if trouble.status in (429, 503):
            raise errors.injected(trouble.status)
        with self._idempotency.claim(
            received.key,
            endpoint=received.path,
            parameters=f"{received.method} {received.form}",
            request_id=received.request_id,
            now=self._clock.now(),
        ) as claim:
            if trouble.delay_ms:
                await asyncio.sleep(trouble.delay_ms / 1000)
            return claim.kept or self._execute(received, claim, fails=trouble.status == 500)

    def _execute(self, received: _Received, claim: Claim, *, fails: bool) -> Answer:
        """Do it once: effect and kept answer in one transaction. What raised left no effect."""
        execute = _fail if fails else received.execute
        try:
            with self._desk.store.transaction():
                status, body = execute(self._desk, _call(received))
                answer = Answer(status, json.dumps(body))
                self._idempotency.keep(claim, answer, self._clock.now())
        except StripeError as error:
            answer = _refusal(error)
            if not error.kept:
                return answer
        except Exception:
            log.exception("action=%s request=%s", received.operation, received.request_id)
            answer = _refusal(errors.injected(500))
        else:
            return answer
        with self._desk.store.transaction():
            self._idempotency.keep(claim, answer, self._clock.now())
        return answer


def _fail(_desk: Desk, _call: Call) -> Reply:
    """The operation that a rule with status 500 puts in the place of the real one."""
    raise errors.injected(500)


async def _receive(request: web.Request, operation: Operation) -> _Received:
    return _Received(
        operation=operation.__name__,
        execute=operation,
        method=request.method,
        path=request.path,
        object_id=request.match_info.get("id", ""),
        form=(await request.read()).decode(errors="replace") if request.method == "POST" else request.query_string,
        request_id=new_id("req"),
        key=request.headers.get("Idempotency-Key") if request.method == "POST" else None,
    )


def _call(received: _Received) -> Call:
    return Call(
        parameters=Parameters(decode(received.form)),
        path=received.path,
        object_id=received.object_id,
        request_id=received.request_id,
        key=received.key,
    )


def _refusal(error: StripeError) -> Answer:
    return Answer(error.status, json.dumps(error_object(error)))


def _response(request: web.Request, received: _Received, answer: Answer) -> web.Response:
    headers = {"Request-Id": received.request_id}
    if version := request.headers.get("Stripe-Version"):
        headers["Stripe-Version"] = version
    if received.key:
        headers["Idempotency-Key"] = received.key
    if answer.original:
        headers |= {"Idempotent-Replayed": "true", "Original-Request": answer.original}
    if received.key and answer.status == 500:
        headers["Stripe-Should-Retry"] = "false"  # the key keeps the 500, so a repetition can only repeat it
    return web.Response(status=answer.status, text=answer.body, content_type="application/json", headers=headers)


def _hang_up(request: web.Request) -> web.Response:
    """Break the connection without an answer; what is returned goes nowhere."""
    if request.transport:
        request.transport.abort()
    return web.Response()


def _api_key(authorization: str) -> str:
    """The key out of `Bearer <key>`, or out of HTTP Basic, where it is the user's name."""
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(credentials).decode().partition(":")[0]
        except ValueError:
            return ""
    return credentials.strip() if scheme.lower() == "bearer" else ""
