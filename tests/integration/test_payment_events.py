"""The provider's own words: signed and sent by the simulator, taken by the route, judged by how things stand today."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import aiohttp
import azure.functions as func
import pytest
from aiohttp import web

from activities.authorise_payment import authorise_payment
from activities.capture_payment import capture_payment
from activities.record_movement import record_movement
from activities.record_transition import record_transition
from activities.refund_payment import refund_payment
from activities.void_payment import void_payment
from adapters import clients, dead_letters, idempotency, orders, payment_events, secrets
from adapters.cosmos import Container
from domain.names import fulfil_instance_id, idempotency_key
from domain.orders import Order
from sandbox.payments.webhooks import signature
from tests.integration.conftest import AnOrder, a_step
from tests.integration.provider import DAY_S, Provider
from triggers.http.take_payment_event import take_payment_event
from triggers.web.endpoint import ANYONE, endpoint

BERLIN = {"unit_amount_minor": 1250, "warehouse": "berlin"}
TOTAL = 2500
HELD = "payment_intent.amount_capturable_updated"
CANCELED = "payment_intent.canceled"

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


def a_charge(order: Order, card: str) -> Json:
    key = idempotency_key(fulfil_instance_id(order.tenant_id, order.order_id), "authorise_payment")
    asked = {"amount_minor": TOTAL, "currency": "EUR", "payment_method": card, "idempotency_key": key}
    return a_step(order, **asked, since=(datetime.now(UTC) - timedelta(minutes=1)).isoformat())


async def confirmed(order: Order, card: str = "pm_card_visa") -> Json:
    """Hold the money and confirm the order; the payment."""
    charge = a_charge(order, card)
    held = await authorise_payment(charge)
    movement = {"kind": "authorisation", "key": charge["idempotency_key"], "currency": "EUR", **held}
    await record_transition(a_step(order, to="reserved", offers={"TEA": BERLIN}))
    await record_transition(a_step(order, to="confirmed", movement=movement))
    return {"provider_id": held["provider_id"], "currency": "EUR"}


async def captured(order: Order, payment: Json) -> None:
    key = f"ship:{order.tenant_id}:{order.order_id}:p-1:capture_payment"
    told = {"shipment_id": "p-1", "amount_minor": TOTAL, "idempotency_key": key, "payment": payment}
    taken = await capture_payment(a_step(order, **told))
    await record_movement(a_step(order, movement={**taken["movement"], "kind": "capture", "key": key}))


async def refunded(order: Order, payment: Json) -> Json:
    """Give everything back; the movement, not noted yet."""
    key = f"return:{order.tenant_id}:{order.order_id}:r-1:refund_payment"
    told = {"subject": "r-1", "amount_minor": TOTAL, "idempotency_key": key, "payment": payment}
    given = await refund_payment(a_step(order, **told))
    return {**given["movement"], "kind": "refund", "key": key}


async def now(order: Order) -> Order:
    return (await orders.get(order.tenant_id, order.order_id)).value


async def letters(order: Order) -> list[str]:
    return [letter.letter_id for letter in await dead_letters.find_all(order.tenant_id, 10)]


async def happened(order: Order) -> list[str]:
    """Names of what happened since the order was confirmed."""
    names = [event.name for event in await orders.timeline(order.tenant_id, order.order_id)]
    return names[names.index("confirmed") + 1 :]


async def test_authorisation_that_expires_before_shipping_calls_a_person_once(
    an_order: AnOrder, provider: Provider, deliver: Deliver
) -> None:
    order = await an_order(("TEA", 2))
    payment = await confirmed(order)
    await provider.skip(7 * DAY_S + 60)

    assert await deliver(CANCELED, copies=3) == [200] * 3

    trouble = f"payment_lost:{payment['provider_id']}"
    assert (await letters(order), await happened(order)) == ([trouble], [trouble])
    assert ((await now(order)).needs_attention, (await now(order)).status) == (True, "confirmed")
    letter = await dead_letters.get(order.tenant_id, trouble)
    assert letter.reason == "the provider no longer holds the money: expired"


async def test_event_that_was_acted_on_is_remembered_for_a_week(
    an_order: AnOrder, provider: Provider, deliver: Deliver
) -> None:
    order = await an_order(("TEA", 2))
    await confirmed(order)
    await provider.skip(7 * DAY_S + 60)
    await deliver(CANCELED)

    event = (await provider.events(CANCELED))[0]
    digest = idempotency.digest(order.tenant_id, "take_payment_event", event.id)
    kept = await Container("idempotency").read(digest, digest)
    assert (kept["ttl"], kept["answer"]) == (7 * DAY_S, {"outcome": "flagged"})


async def test_late_and_repeated_events_of_a_healthy_order_change_nothing(an_order: AnOrder, deliver: Deliver) -> None:
    order = await an_order(("TEA", 2))
    payment = await confirmed(order)
    await captured(order, payment)
    before = await now(order)

    assert set(
        await deliver("payment_intent.succeeded", HELD, "payment_intent.created", "charge.succeeded", copies=2)
    ) == {200}

    assert await now(order) == before
    assert await letters(order) == []


async def test_payment_voided_for_a_cancelled_order_is_in_order(an_order: AnOrder, deliver: Deliver) -> None:
    order = await an_order(("TEA", 2))
    charge = a_charge(order, "pm_card_visa")
    await authorise_payment(charge)
    await record_transition(a_step(order, to="cancelled"))
    await void_payment({name: charge[name] for name in charge if name != "payment_method"})
    before = await now(order)

    assert await deliver(CANCELED, HELD) == [200, 200]  # the good news comes last, and is old

    assert (await now(order), await letters(order)) == (before, [])


async def test_money_held_for_an_order_that_was_called_off_waits_for_its_saga_then_calls_a_person(
    an_order: AnOrder, hook: Hook, deliver: Deliver
) -> None:
    order = await an_order(("TEA", 2))
    held = await authorise_payment(a_charge(order, "pm_card_visa"))
    await record_transition(a_step(order, to="failed"))

    hook.running = {fulfil_instance_id(order.tenant_id, order.order_id)}
    assert await deliver(HELD) == [200]
    assert not (await now(order)).needs_attention

    hook.running = set()
    assert await deliver(HELD) == [200]
    assert (await now(order)).needs_attention
    assert await letters(order) == [f"payment_unwanted:{held['provider_id']}"]


async def test_declined_card_is_no_news(an_order: AnOrder, deliver: Deliver) -> None:
    order = await an_order(("TEA", 2))
    await authorise_payment(a_charge(order, "pm_card_chargeDeclined"))
    await record_transition(a_step(order, to="rejected", reason="payment_declined"))

    assert await deliver("payment_intent.payment_failed") == [200]

    assert not (await now(order)).needs_attention


async def test_refund_that_fails_later_is_taken_back_and_calls_a_person(
    an_order: AnOrder, provider: Provider, deliver: Deliver
) -> None:
    order = await an_order(("TEA", 2))
    payment = await confirmed(order, "pm_card_refundFail")
    await captured(order, payment)
    given = await refunded(order, payment)
    await record_movement(a_step(order, movement=given))
    assert (await now(order)).payment.status == "refunded"
    await provider.skip(10)

    assert await deliver("refund.failed", "refund.updated", copies=2) == [200] * 4

    trouble = f"refund_failed:{given['provider_id']}"
    assert (await letters(order), (await happened(order))[-1]) == ([trouble], trouble)
    paid = (await now(order)).payment
    assert (paid.status, paid.captured_minor, paid.refunded_minor) == ("captured", TOTAL, 0)
    assert (await now(order)).needs_attention
    event = (await orders.timeline(order.tenant_id, order.order_id))[-1]
    assert event.detail == "the refund did not arrive: lost_or_stolen_card; 25.00 EUR not refunded after all"


async def test_bank_that_wants_the_money_back_calls_a_person_and_again_when_it_keeps_it(
    an_order: AnOrder, provider: Provider, deliver: Deliver
) -> None:
    order = await an_order(("TEA", 2))
    payment = await confirmed(order)
    await captured(order, payment)
    paid = (await now(order)).payment

    await dispute(provider, payment, "needs_response")
    assert await deliver("charge.dispute.created", copies=2) == [200, 200]
    await dispute(provider, payment, "lost")
    assert await deliver("charge.dispute.created", "charge.dispute.closed") == [200, 200]

    assert [name.partition(":")[0] for name in (await happened(order))[-2:]] == ["payment_disputed", "dispute_lost"]
    assert len(await letters(order)) == 2
    assert ((await now(order)).needs_attention, (await now(order)).payment) == (True, paid)
    event = (await orders.timeline(order.tenant_id, order.order_id))[-2]
    assert event.detail == "the customer's bank wants the money back: fraudulent"


async def test_dispute_that_was_won_and_one_of_others_are_no_trouble(
    an_order: AnOrder, provider: Provider, deliver: Deliver
) -> None:
    order = await an_order(("TEA", 2))
    payment = await confirmed(order)
    await captured(order, payment)
    await dispute(provider, payment, "won")
    others = await provider.sdk.v1.payment_intents.create_async(
        {"amount": 100, "currency": "eur", "confirm": True, "payment_method": "pm_card_visa"}
    )
    await dispute(provider, {"provider_id": others.id}, "needs_response")

    assert await deliver("charge.dispute.created", "charge.dispute.closed") == [200, 200]

    assert (await letters(order), (await now(order)).needs_attention) == ([], False)


async def dispute(provider: Provider, payment: Json, status: str) -> None:
    path = f"/_sandbox/payment_intents/{payment['provider_id']}/dispute"
    await provider.sdk.raw_request_async("post", path, status=status)


async def test_event_about_something_else_is_thanked_for_whatever_it_looks_like(hook: Hook) -> None:
    about = {"id": ["x"], "status": {"a": 1}, "metadata": [1], "reason": 5}
    event = {"id": "evt_1", "object": "event", "type": "balance.available", "data": {"object": about}}
    body = json.dumps(event)

    answer = await hook.post(body.encode(), signature(body, await secret(), int(time.time())))

    assert answer == (200, {"outcome": "ignored"})


async def test_refund_that_succeeds_later_is_no_trouble(
    an_order: AnOrder, provider: Provider, deliver: Deliver
) -> None:
    order = await an_order(("TEA", 2))
    payment = await confirmed(order, "pm_card_pendingRefund")
    await captured(order, payment)
    await record_movement(a_step(order, movement=await refunded(order, payment)))
    await provider.skip(10)
    before = await now(order)

    assert await deliver("refund.updated", "refund.created") == [200, 200]

    assert await now(order) == before


async def test_failure_of_a_refund_that_is_not_noted_yet_is_sent_again_until_it_is(
    an_order: AnOrder, hook: Hook, provider: Provider, deliver: Deliver
) -> None:
    order = await an_order(("TEA", 2))
    payment = await confirmed(order, "pm_card_refundFail")
    await captured(order, payment)
    given = await refunded(order, payment)
    await provider.skip(10)

    hook.running = {f"return:{order.tenant_id}:{order.order_id}:r-1"}
    assert await deliver("refund.failed") == [503]

    await record_movement(a_step(order, movement=given))
    assert await deliver("refund.failed") == [200]
    assert (await now(order)).payment.refunded_minor == 0


async def test_flag_that_a_crash_prevented_is_set_by_the_next_delivery(
    an_order: AnOrder, provider: Provider, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await an_order(("TEA", 2))
    await confirmed(order)
    await provider.skip(7 * DAY_S + 60)
    with monkeypatch.context() as broken:
        broken.setattr(orders, "change", None)  # after the dead letter, before the flag
        assert await deliver(CANCELED) == [500]
    assert not (await now(order)).needs_attention

    assert await deliver(CANCELED) == [200]

    assert (await now(order)).needs_attention
    assert len(await letters(order)) == 1


async def test_payments_of_others_are_thanked_for_and_left_alone(provider: Provider, deliver: Deliver) -> None:
    for metadata in ({}, {"tenant_id": "nobody", "order_id": "o-none"}):
        intent = await provider.sdk.v1.payment_intents.create_async(
            {"amount": 100, "currency": "eur", "confirm": True, "capture_method": "manual",
             "payment_method": "pm_card_visa", "metadata": metadata}
        )  # fmt: skip
        await provider.sdk.v1.payment_intents.cancel_async(intent.id)

    assert set(await deliver(CANCELED, "charge.succeeded", HELD)) == {200}


def an_event(order: Order, payment: Json) -> bytes:
    intent = {
        "id": payment["provider_id"], "object": "payment_intent", "status": "canceled",
        "metadata": {"tenant_id": order.tenant_id, "order_id": order.order_id},
    }  # fmt: skip
    event = {"id": "evt_forged", "object": "event", "type": CANCELED, "data": {"object": intent}}
    return json.dumps(event).encode()


async def test_forged_old_and_missing_signatures_are_refused(an_order: AnOrder, provider: Provider, hook: Hook) -> None:
    order = await an_order(("TEA", 2))
    body = an_event(order, await confirmed(order))
    await provider.skip(7 * DAY_S + 60)
    at = int(time.time())
    forged = [
        signature(body.decode(), "whsec_other", at),
        signature(body.decode(), await secret(), at - payment_events.TOLERANCE_S - 5),
        signature(body.decode() + " ", await secret(), at),
        "t=1,v1=",
        "nonsense",
        None,
    ]

    for header in forged:
        status, problem = await hook.post(body, header)
        assert (status, problem["type"]) == (400, "urn:waybill:problem:invalid")
        assert "whsec" not in json.dumps(problem)
    assert not (await now(order)).needs_attention


async def test_lie_under_a_good_signature_is_settled_by_asking_the_provider(
    an_order: AnOrder, hook: Hook, provider: Provider
) -> None:
    order = await an_order(("TEA", 2))
    body = an_event(order, await confirmed(order))

    status, answer = await hook.post(body, signature(body.decode(), await secret(), int(time.time())))

    assert (status, answer) == (200, {"outcome": "fits"})
    assert (await provider.ledger(order.order_id))["voided"] == 0


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"object": "event"}', b"\xff\xfe", b'"evt"', b"null"])
async def test_signed_nonsense_is_refused(hook: Hook, body: bytes) -> None:
    header = signature(body.decode(errors="replace"), await secret(), int(time.time()))

    status, problem = await hook.post(body, header)

    assert (status, problem["status"]) == (400, 400)


async def test_body_beyond_the_limit_is_refused(hook: Hook) -> None:
    status, problem = await hook.post(b" " * (1024 * 1024 + 1), "t=1,v1=0")

    assert (status, problem["type"]) == (413, "urn:waybill:problem:too-large")


async def test_rotated_secret_takes_effect_with_the_first_event_that_it_signs(
    an_order: AnOrder, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await an_order(("TEA", 2))
    body = an_event(order, {"provider_id": "pi_none"})
    old, new = await secret(), "whsec_rotated"
    vault = await clients.key_vault()
    await vault.set_secret(secrets.STRIPE_WEBHOOK_SECRET, new)
    try:
        header = signature(body.decode(), new, int(time.time()))
        assert (await hook.post(body, header))[0] == 400  # asked the vault a moment ago: forgeries must not wear it out
        monkeypatch.setattr(payment_events, "RENEW_EVERY_S", 0)
        assert (await hook.post(body, header))[0] == 200
        assert (await hook.post(body, signature(body.decode(), old, int(time.time()))))[0] == 400
    finally:
        await vault.set_secret(secrets.STRIPE_WEBHOOK_SECRET, old)
