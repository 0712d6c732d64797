"""The provider's own words: signed and sent by the simulator, taken by the route, judged by how things stand today."""

from __future__ import annotations

import json
import time

import pytest

from activities.authorise_payment import authorise_payment
from activities.record_movement import record_movement
from activities.record_transition import record_transition
from activities.void_payment import void_payment
from adapters import dead_letters, idempotency, orders
from adapters.cosmos import Container
from domain.names import fulfil_instance_id
from sandbox.payments.webhooks import signature
from tests.integration.conftest import AnOrder, a_step
from tests.integration.hook import Deliver, Hook, Json, secret
from tests.integration.paid_orders import (
    CANCELED,
    HELD,
    TOTAL,
    a_charge,
    captured,
    confirmed,
    happened,
    letters,
    now,
    refunded,
)
from tests.integration.provider import DAY_S, Provider


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
