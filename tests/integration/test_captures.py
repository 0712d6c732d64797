"""Taking held money parcel by parcel and giving it back, whatever befalls the requests and however late they repeat."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import stripe

from activities.authorise_payment import authorise_payment
from activities.capture_payment import capture_payment
from activities.refund_payment import refund_payment
from activities.void_payment import void_payment
from adapters import captures, payments
from domain.errors import Transient
from domain.names import idempotency_key, ship_instance_id
from domain.orders import Order
from tests.integration.conftest import AnOrder, a_step
from tests.integration.provider import DAY_S, Provider

TOTAL = 5000
ONCE_ONLY = "pm_card_singleCapture"

Json = dict[str, Any]


async def held(order: Order, card: str = "pm_card_visa") -> Json:
    """The payment that holds 50.00 EUR for an order."""
    answer = await authorise_payment(asked(order, payment_method=card))
    assert answer["outcome"] == "authorised"
    return {"provider_id": answer["provider_id"], "currency": "EUR"}


def asked(order: Order, **more: Any) -> Json:
    since = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    return a_step(order, amount_minor=TOTAL, currency="EUR", idempotency_key=order.order_id, since=since, **more)


def a_parcel(order: Order, payment: Json, number: int, amount_minor: int) -> Json:
    """What `capture_payment` is told of a parcel."""
    shipment_id = f"{order.order_id}-{number}"
    key = idempotency_key(ship_instance_id(order.tenant_id, order.order_id, shipment_id), "capture_payment")
    return a_step(order, shipment_id=shipment_id, amount_minor=amount_minor, payment=payment, idempotency_key=key)


def a_refund(order: Order, payment: Json, subject: str, amount_minor: int) -> Json:
    """What `refund_payment` is told of a parcel or return."""
    key = f"return:{order.tenant_id}:{order.order_id}:{subject}:refund_payment"
    return a_step(order, subject=subject, amount_minor=amount_minor, payment=payment, idempotency_key=key)


async def taken(step: Json) -> int:
    answer = await capture_payment(step)
    assert answer["outcome"] == "captured"
    amount: int = answer["movement"]["amount_minor"]
    return amount


async def sums(provider: Provider, order: Order) -> tuple[int, int, int]:
    """(authorised, captured, refunded), as the provider counts."""
    entry = await provider.ledger(order.order_id)
    return entry["authorised"], entry["captured"], entry["refunded"]


async def test_each_parcel_takes_its_own_part(an_order: AnOrder, provider: Provider) -> None:
    order = await an_order()
    payment = await held(order)

    assert await taken(a_parcel(order, payment, 1, 3000)) == 3000
    assert await sums(provider, order) == (TOTAL, 3000, 0)
    assert await taken(a_parcel(order, payment, 2, 2000)) == 2000
    assert await sums(provider, order) == (TOTAL, TOTAL, 0)


async def test_card_that_is_captured_once_pays_for_all_with_the_first_parcel(
    an_order: AnOrder, provider: Provider
) -> None:
    order = await an_order()
    payment = await held(order, ONCE_ONLY)
    first, second = a_parcel(order, payment, 1, 3000), a_parcel(order, payment, 2, 2000)

    assert [await taken(first), await taken(second)] == [TOTAL, 0]
    assert [await taken(first), await taken(second)] == [TOTAL, 0]
    assert await sums(provider, order) == (TOTAL, TOTAL, 0)


@pytest.mark.parametrize("card", ["pm_card_visa", ONCE_ONLY])
async def test_parcels_that_leave_at_once_take_the_total_together(
    an_order: AnOrder, provider: Provider, card: str
) -> None:
    order = await an_order()
    payment = await held(order, card)

    amounts = await asyncio.gather(*(taken(a_parcel(order, payment, number, 1000)) for number in range(1, 6)))

    assert sum(amounts) == TOTAL
    assert await sums(provider, order) == (TOTAL, TOTAL, 0)


@pytest.mark.parametrize("later_s", [0, DAY_S + 60])
async def test_capture_repeated_whenever_takes_once(an_order: AnOrder, provider: Provider, later_s: int) -> None:
    order = await an_order()
    parcel = a_parcel(order, await held(order), 1, 3000)

    first = await capture_payment(parcel)
    await provider.skip(later_s)

    assert await capture_payment(parcel) == first
    assert await sums(provider, order) == (TOTAL, 3000, 0)


@pytest.mark.parametrize("later_s", [0, DAY_S + 60])
@pytest.mark.parametrize("action", [{"drop": "after"}, {"drop": "before"}, {"status": 429}, {"status": 503}])
async def test_capture_outlives_an_outage_and_a_lost_answer(
    an_order: AnOrder, provider: Provider, action: Json, later_s: int
) -> None:
    order = await an_order()
    parcel = a_parcel(order, await held(order), 1, 3000)

    async with provider.outage("capture_payment_intent", **action):
        with pytest.raises(Transient):
            await capture_payment(parcel)
    await provider.skip(later_s)

    assert await taken(parcel) == 3000
    assert await sums(provider, order) == (TOTAL, 3000, 0)


@pytest.mark.parametrize("card", ["pm_card_visa", ONCE_ONLY])
async def test_expired_authorisation_is_refused_and_not_retried(
    an_order: AnOrder, provider: Provider, card: str
) -> None:
    order = await an_order()
    payment = await held(order, card)
    await provider.skip(7 * DAY_S + 60)

    for _ in range(2):
        answer = await capture_payment(a_parcel(order, payment, 1, 3000))
        assert answer == {"outcome": "refused", "detail": "payment_intent_unexpected_state"}
    assert await sums(provider, order) == (TOTAL, 0, 0)


async def test_expiry_between_two_parcels_keeps_what_the_first_has_paid(an_order: AnOrder, provider: Provider) -> None:
    order = await an_order()
    payment = await held(order)
    await taken(a_parcel(order, payment, 1, 3000))
    await provider.skip(7 * DAY_S + 60)

    assert (await capture_payment(a_parcel(order, payment, 2, 2000)))["outcome"] == "refused"
    assert await taken(a_parcel(order, payment, 1, 3000)) == 3000
    assert await sums(provider, order) == (TOTAL, 3000, 0)


async def test_payment_that_is_over_before_all_was_taken_has_not_paid_for_later_parcels(
    an_order: AnOrder, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await an_order()
    payment = await held(order)
    await taken(a_parcel(order, payment, 1, 3000))
    await provider.skip(7 * DAY_S + 60)
    over = stripe.PaymentIntent.construct_from(
        {"id": payment["provider_id"], "status": "succeeded", "amount": TOTAL, "amount_received": 3000,
         "amount_capturable": 0, "currency": "eur", "metadata": {}, "latest_charge": None}, "sk_test"
    )  # fmt: skip

    async def read(*_: object) -> stripe.PaymentIntent:
        return over

    monkeypatch.setattr(captures, "_read", read)

    assert (await capture_payment(a_parcel(order, payment, 2, 2000)))["outcome"] == "refused"


@pytest.mark.parametrize("card", ["pm_card_visa", ONCE_ONLY])
async def test_lost_parcel_brings_back_what_was_taken_for_it_and_nothing_of_another(
    an_order: AnOrder, provider: Provider, card: str
) -> None:
    order = await an_order()
    payment = await held(order, card)
    await taken(a_parcel(order, payment, 1, 3000))
    first, second = (
        {**a_refund(order, payment, f"{order.order_id}-{number}", 1000), "shipment_id": f"{order.order_id}-{number}"}
        for number in (1, 2)
    )

    outcomes = [(await refund_payment(step))["outcome"] for step in (first, second)]

    assert outcomes == ["refunded", "refunded" if card == ONCE_ONLY else "nothing_taken"]


async def test_more_than_is_held_is_refused(an_order: AnOrder, provider: Provider) -> None:
    order = await an_order()
    payment = await held(order)

    answer = await capture_payment(a_parcel(order, payment, 1, TOTAL + 1))

    assert answer == {"outcome": "refused", "detail": "amount_too_large"}
    assert await sums(provider, order) == (TOTAL, 0, 0)


async def test_voided_payment_cannot_be_captured_nor_a_captured_one_voided(
    an_order: AnOrder, provider: Provider
) -> None:
    order, other = await an_order(), await an_order()
    payment, captured = await held(order), await held(other)
    await void_payment(asked(order))
    assert (await capture_payment(a_parcel(order, payment, 1, TOTAL)))["outcome"] == "refused"

    await taken(a_parcel(other, captured, 1, TOTAL))
    with pytest.raises(Transient, match="cannot be voided"):
        await void_payment(asked(other))
    assert await sums(provider, other) == (TOTAL, TOTAL, 0)


@pytest.mark.parametrize("card", ["pm_card_visa", ONCE_ONLY])
async def test_refunds_by_line_add_up_to_the_whole(an_order: AnOrder, provider: Provider, card: str) -> None:
    order = await an_order()
    payment = await held(order, card)
    await taken(a_parcel(order, payment, 1, TOTAL))

    for subject, amount_minor in (("r-1", 1200), ("r-2", 3800)):
        answer = await refund_payment(a_refund(order, payment, subject, amount_minor))
        assert (answer["outcome"], answer["movement"]["amount_minor"]) == ("refunded", amount_minor)
    assert await sums(provider, order) == (TOTAL, TOTAL, TOTAL)


@pytest.mark.parametrize("later_s", [0, DAY_S + 60])
async def test_refund_repeated_whenever_gives_once(an_order: AnOrder, provider: Provider, later_s: int) -> None:
    order = await an_order()
    payment = await held(order)
    await taken(a_parcel(order, payment, 1, TOTAL))
    wish = a_refund(order, payment, "r-1", 1200)

    first = await refund_payment(wish)
    await provider.skip(later_s)

    assert await refund_payment(wish) == first
    assert await sums(provider, order) == (TOTAL, TOTAL, 1200)


async def test_refunds_asked_for_twice_at_once_give_once(an_order: AnOrder, provider: Provider) -> None:
    order = await an_order()
    payment = await held(order)
    await taken(a_parcel(order, payment, 1, TOTAL))
    wish = a_refund(order, payment, "r-1", 3000)

    answers = await asyncio.gather(*(refund_payment(wish) for _ in range(5)))

    assert all(answer == answers[0] for answer in answers)
    assert await sums(provider, order) == (TOTAL, TOTAL, 3000)


@pytest.mark.parametrize("later_s", [0, DAY_S + 60])
@pytest.mark.parametrize("action", [{"drop": "after"}, {"drop": "before"}, {"status": 429}, {"status": 503}])
async def test_refund_outlives_an_outage_and_a_lost_answer(
    an_order: AnOrder, provider: Provider, action: Json, later_s: int
) -> None:
    order = await an_order()
    payment = await held(order)
    await taken(a_parcel(order, payment, 1, TOTAL))
    wish = a_refund(order, payment, "r-1", 1200)

    async with provider.outage("create_refund", **action):
        with pytest.raises(Transient):
            await refund_payment(wish)
    await provider.skip(later_s)

    assert (await refund_payment(wish))["movement"]["amount_minor"] == 1200
    assert await sums(provider, order) == (TOTAL, TOTAL, 1200)


async def test_no_two_refunds_give_more_than_was_taken(an_order: AnOrder, provider: Provider) -> None:
    order = await an_order()
    payment = await held(order)
    await taken(a_parcel(order, payment, 1, 3000))

    wishes = [refund_payment(a_refund(order, payment, f"r-{number}", 2000)) for number in range(3)]
    outcomes = sorted([answer["outcome"] for answer in await asyncio.gather(*wishes)])

    assert outcomes == ["refunded", "refused", "refused"]
    assert await sums(provider, order) == (TOTAL, 3000, 2000)


@pytest.mark.parametrize(("currency", "factor"), [("ISK", 100), ("UGX", 100), ("JPY", 1), ("MGA", 0.01)])
async def test_amounts_are_told_as_the_provider_counts_them(
    an_order: AnOrder, provider: Provider, currency: str, factor: float
) -> None:
    order = await an_order()
    told = await authorise_payment({**asked(order, payment_method="pm_card_visa"), "currency": currency})
    assert told["amount_minor"] == TOTAL
    payment = {"provider_id": told["provider_id"], "currency": currency}

    assert await taken(a_parcel(order, payment, 1, 3000)) == 3000
    given = await refund_payment(a_refund(order, payment, "r-1", 1000))

    assert given["movement"]["amount_minor"] == 1000
    assert await sums(provider, order) == (TOTAL * factor, 3000 * factor, 1000 * factor)
    now = await payments.standing(told["provider_id"])
    assert (now.held_minor, now.taken_minor) == (2000, 3000)


async def test_card_that_is_captured_once_is_told_what_the_currency_makes_of_it(
    an_order: AnOrder, provider: Provider
) -> None:
    order = await an_order()
    told = await authorise_payment({**asked(order, payment_method=ONCE_ONLY), "currency": "ISK"})
    first = a_parcel(order, {"provider_id": told["provider_id"], "currency": "ISK"}, 1, 3000)

    assert [await taken(first), await taken(first)] == [TOTAL, TOTAL]
    assert await sums(provider, order) == (TOTAL * 100, TOTAL * 100, 0)


async def test_amount_that_the_provider_has_no_unit_for_is_declined(an_order: AnOrder, provider: Provider) -> None:
    charge = {**asked(await an_order(), payment_method="pm_card_visa"), "currency": "MGA", "amount_minor": 150}

    assert await authorise_payment(charge) == {"outcome": "declined", "detail": "amount_has_no_unit"}


async def test_nothing_is_refunded_before_it_was_taken(an_order: AnOrder, provider: Provider) -> None:
    order = await an_order()
    payment = await held(order)

    refused = await refund_payment(a_refund(order, payment, "r-1", 1200))

    assert refused == {"outcome": "refused", "detail": "payment_intent_unexpected_state"}
    assert await sums(provider, order) == (TOTAL, 0, 0)


async def test_capture_and_refund_that_meet_keep_the_sums_right(an_order: AnOrder, provider: Provider) -> None:
    order = await an_order()
    payment = await held(order)
    await taken(a_parcel(order, payment, 1, 3000))

    await asyncio.gather(
        taken(a_parcel(order, payment, 2, 2000)), refund_payment(a_refund(order, payment, "lost", 3000))
    )

    assert await sums(provider, order) == (TOTAL, TOTAL, 3000)


async def test_refund_that_has_failed_by_the_time_its_answer_is_asked_for_again_is_refused(
    an_order: AnOrder, provider: Provider
) -> None:
    order = await an_order()
    payment = await held(order, "pm_card_refundFail")
    await taken(a_parcel(order, payment, 1, TOTAL))
    wish = a_refund(order, payment, "r-1", 1200)
    async with provider.outage("create_refund", drop="after"):
        with pytest.raises(Transient):
            await refund_payment(wish)
    await provider.skip(10)

    answer = await refund_payment(wish)

    assert answer == {"outcome": "refused", "detail": "lost_or_stolen_card"}
    assert await sums(provider, order) == (TOTAL, TOTAL, 0)
