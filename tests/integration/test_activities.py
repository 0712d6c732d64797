"""Every activity against real services: what it does, and that doing it twice changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import azure.functions as func
import pytest
import requests

from activities.authorise_payment import authorise_payment
from activities.find_payment import find_payment
from activities.park_dead_letter import park_dead_letter
from activities.price_order import price_order
from activities.publish_outcome import publish_outcome
from activities.record_transition import record_transition
from activities.release_stock import release_stock
from activities.reserve_stock import reserve_stock
from activities.send_confirmation import send_confirmation
from activities.void_payment import void_payment
from adapters import mail, orders, secrets, stock
from adapters.cosmos import Container
from domain.changes import IllegalTransition
from domain.errors import Defect, NotFound, Transient
from domain.names import fulfil_instance_id, idempotency_key
from domain.orders import Order
from tests.integration.conftest import AnOrder, PaymentFaults, StockUp, a_step

BERLIN = {"unit_amount_minor": 1250, "warehouse": "berlin"}

Ledger = Callable[[str], dict[str, int]]
Mails = Callable[[str], list[dict[str, Any]]]


def a_charge(order: Order, **changes: Any) -> dict[str, Any]:
    key = idempotency_key(fulfil_instance_id(order.tenant_id, order.order_id), "authorise_payment")
    just_before = datetime.now(UTC) - timedelta(minutes=1)
    charge = {"amount_minor": 2500, "currency": "EUR", "payment_method": "pm_card_visa", "idempotency_key": key}
    return a_step(order, **charge | {"since": just_before.isoformat()} | changes)


def since(order: Order, charge: dict[str, Any]) -> dict[str, Any]:
    asked = {name: charge[name] for name in ("idempotency_key", "since", "amount_minor", "currency")}
    return a_step(order, **asked)


async def test_pricing_sums_demand_and_takes_prices_from_the_catalogue(stock_up: StockUp, an_order: AnOrder) -> None:
    await stock_up("TEA", 10, amount_minor=1250)
    await stock_up("MUG", 10, amount_minor=1800)
    order = await an_order(("TEA", 2), ("MUG", 1), ("TEA", 1))

    assert await price_order(a_step(order)) == {
        "outcome": "priced",
        "demand": [{"sku": "MUG", "quantity": 1}, {"sku": "TEA", "quantity": 3}],
        "offers": {"MUG": BERLIN | {"unit_amount_minor": 1800}, "TEA": BERLIN},
        "settings": {
            "approval_over_minor": 100_000,
            "approval_timeout_hours": 24,
            "when_short": "reject",
            "shortage_timeout_hours": 48,
            "parcel_silent_days": 7,
            "return_days": 30,
        },
        "total_minor": 5550,
        "currency": "EUR",
        "payment_method": "pm_card_visa",
        "placed_at": "2026-11-02T10:00:00.000Z",
        "resumed": False,
    }


async def test_reserved_order_keeps_its_prices_whatever_the_catalogue_says_since(
    stock_up: StockUp, an_order: AnOrder
) -> None:
    await stock_up("TEA", 10, amount_minor=1250)
    order = await an_order(("TEA", 2))
    await record_transition(a_step(order, to="reserved", offers={"TEA": BERLIN}))
    await stock_up("TEA", 0, amount_minor=9999, currency="USD")

    quote = await price_order(a_step(order))

    assert (quote["outcome"], quote["total_minor"], quote["resumed"]) == ("priced", 2500, True)


async def test_pricing_names_what_cannot_be_sold(stock_up: StockUp, an_order: AnOrder) -> None:
    await stock_up("TEA", 10, currency="USD")
    unknown, foreign = await an_order(("TEA", 1), ("NONE", 1)), await an_order(("TEA", 1))

    assert (await price_order(a_step(unknown)))["outcome"] == "unknown_sku"
    assert (await price_order(a_step(foreign)))["outcome"] == "currency_mismatch"


async def test_pricing_leaves_a_decided_order_alone(an_order: AnOrder) -> None:
    order = await an_order()
    await record_transition(a_step(order, to="rejected", reason="out_of_stock"))

    assert await price_order(a_step(order)) == {
        "outcome": "decided",
        "status": "rejected",
        "reason": "out_of_stock",
    }


async def test_reserving_and_releasing_twice_changes_stock_once(stock_up: StockUp, an_order: AnOrder) -> None:
    await stock_up("TEA", 10)
    order = await an_order()
    wanted = a_step(order, sku="TEA", quantity=2)

    assert [await reserve_stock(wanted) for _ in range(2)] == [{"outcome": "reserved", "sku": "TEA", "quantity": 2}] * 2
    assert (await stock.get(order.tenant_id, "TEA")).value.reserved == 2
    released = [(await release_stock(a_step(order, sku="TEA")))["outcome"] for _ in range(2)]
    assert released == ["released", "nothing_held"]
    assert (await stock.get(order.tenant_id, "TEA")).value.reserved == 0


async def test_releasing_what_was_never_reserved_succeeds(an_order: AnOrder) -> None:
    assert (await release_stock(a_step(await an_order(), sku="NONE")))["outcome"] == "nothing_held"


async def test_transition_recorded_twice_leaves_one_event(an_order: AnOrder) -> None:
    order = await an_order(("TEA", 2))
    step = a_step(order, to="reserved", offers={"TEA": BERLIN})

    recorded = {"outcome": "recorded", "status": "reserved", "total_minor": 2500, "shipment_ids": []}
    assert [await record_transition(step) for _ in range(2)] == [recorded] * 2
    stored = (await orders.get(order.tenant_id, order.order_id)).value
    assert (stored.version, stored.total_minor, stored.lines[0].status) == (2, 2500, "reserved")
    events = await orders.timeline(order.tenant_id, order.order_id)
    assert [event.name for event in events] == ["placed", "reserved"]


async def test_confirmation_commits_order_event_and_payment_together(an_order: AnOrder) -> None:
    order = await an_order(("TEA", 2))
    key = a_charge(order)["idempotency_key"]
    held = {"kind": "authorisation", "key": key, "provider_id": "pi_1", "amount_minor": 2500, "currency": "EUR"}
    await record_transition(a_step(order, to="reserved", offers={"TEA": BERLIN}))

    await record_transition(a_step(order, to="confirmed", movement=held))

    payment = await Container("orders").read(key, [order.tenant_id, order.order_id])
    assert (payment["kind"], payment["movement"]["providerId"]) == ("payment", "pi_1")
    assert payment["movement"]["amountMinor"] == 2500
    events = await orders.timeline(order.tenant_id, order.order_id)
    assert [event.name for event in events] == ["placed", "reserved", "confirmed"]
    assert (await orders.get(order.tenant_id, order.order_id)).value.payment.authorised_minor == 2500


async def test_illegal_transition_raises_and_stores_nothing(an_order: AnOrder) -> None:
    order = await an_order()

    with pytest.raises(IllegalTransition, match="is pending and cannot become confirmed"):
        await record_transition(a_step(order, to="confirmed"))
    assert [event.name for event in await orders.timeline(order.tenant_id, order.order_id)] == ["placed"]


async def test_ending_decided_first_stays_and_late_compensations_take_nothing_from_it(
    stock_up: StockUp, an_order: AnOrder, ledger: Ledger
) -> None:
    await stock_up("TEA", 10)
    order = await an_order(("TEA", 2))
    charge = a_charge(order)
    await reserve_stock(a_step(order, sku="TEA", quantity=2))
    await record_transition(a_step(order, to="reserved", offers={"TEA": BERLIN}))
    await authorise_payment(charge)
    await record_transition(a_step(order, to="confirmed"))

    late = [
        await release_stock(a_step(order, sku="TEA")),
        await void_payment(since(order, charge)),
        await record_transition(a_step(order, to="failed", needs_attention=True)),
    ]

    assert [step["outcome"] for step in late] == ["still_needed", "still_needed", "decided"]
    assert (await stock.get(order.tenant_id, "TEA")).value.reserved == 2
    assert ledger(order.order_id).get("voided", 0) == 0


async def test_charging_twice_holds_the_money_once(an_order: AnOrder, ledger: Ledger) -> None:
    order = await an_order()
    charge = a_charge(order)

    first, second = await authorise_payment(charge), await authorise_payment(charge)

    assert first == second
    assert first["outcome"] == "authorised"
    assert (ledger(order.order_id)["intents"], ledger(order.order_id)["authorised"]) == (1, 2500)


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ("pm_card_visa_chargeDeclined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "insufficient_funds"),
        ("pm_no_such_card", "resource_missing"),
        ("pm_card_authenticationRequired", "requires_action"),
    ],
)
async def test_card_that_cannot_pay_is_an_outcome_and_voids_cleanly(
    an_order: AnOrder, ledger: Ledger, card: str, code: str
) -> None:
    order = await an_order()
    charge = a_charge(order, payment_method=card)

    outcomes = [await authorise_payment(charge) for _ in range(2)]

    assert outcomes == [{"outcome": "declined", "detail": code}] * 2
    assert (await void_payment(since(order, charge)))["outcome"] in {"voided", "nothing_held"}
    assert ledger(order.order_id).get("authorised", 0) == 0


async def test_voiding_twice_lets_go_once(an_order: AnOrder, ledger: Ledger) -> None:
    order = await an_order()
    charge = a_charge(order)
    await authorise_payment(charge)

    voided = [(await void_payment(since(order, charge)))["outcome"] for _ in range(2)]

    assert voided == ["voided", "nothing_held"]
    assert (ledger(order.order_id)["authorised"], ledger(order.order_id)["voided"]) == (2500, 2500)


async def test_voiding_what_was_never_charged_succeeds(an_order: AnOrder) -> None:
    order = await an_order()

    assert (await void_payment(since(order, a_charge(order))))["outcome"] == "nothing_held"


async def test_charge_whose_answer_was_lost_is_found_by_its_key(
    an_order: AnOrder, faults: PaymentFaults, ledger: Ledger
) -> None:
    order = await an_order()
    charge = a_charge(order)
    with faults.create(drop="after"), pytest.raises(Transient):
        await authorise_payment(charge)

    found = await find_payment(since(order, charge))

    assert found["outcome"] == "authorised"
    assert (await authorise_payment(charge))["provider_id"] == found["provider_id"]
    assert ledger(order.order_id)["intents"] == 1


async def test_charge_that_arrives_after_its_order_was_voided_holds_nothing(an_order: AnOrder, ledger: Ledger) -> None:
    order = await an_order()
    charge = a_charge(order)

    assert (await void_payment(since(order, charge)))["outcome"] == "nothing_held"
    with pytest.raises(Defect):
        await authorise_payment(charge)

    assert (ledger(order.order_id)["intents"], ledger(order.order_id)["authorised"]) == (1, 0)


async def test_charge_repeated_after_its_money_was_let_go_is_declined(an_order: AnOrder) -> None:
    order = await an_order()
    charge = a_charge(order)
    await authorise_payment(charge)
    await void_payment(since(order, charge))

    assert await authorise_payment(charge) == {"outcome": "declined", "detail": "canceled"}


async def test_charge_repeated_when_the_provider_has_forgotten_the_key_is_found_first(
    an_order: AnOrder, ledger: Ledger, endpoints: dict[str, str]
) -> None:
    order = await an_order()
    long_ago = datetime.now(UTC) - timedelta(hours=30)
    charge = a_charge(order, since=long_ago.isoformat())
    first = await authorise_payment(charge)
    requests.post(f"{endpoints['payments']}/_sandbox/clock", json={"advance_s": 26 * 3600}, timeout=10)

    assert await authorise_payment(charge) == first
    assert ledger(order.order_id)["intents"] == 1


async def test_charge_that_never_arrived_is_not_found(an_order: AnOrder, faults: PaymentFaults) -> None:
    order = await an_order()
    charge = a_charge(order)
    with faults.create(drop="before"), pytest.raises(Transient):
        await authorise_payment(charge)

    assert (await find_payment(since(order, charge)))["outcome"] == "not_found"


@pytest.mark.parametrize("status", [429, 503])
async def test_overloaded_provider_is_a_transient_fault(an_order: AnOrder, faults: PaymentFaults, status: int) -> None:
    charge = a_charge(await an_order())
    with faults.create(status=status), pytest.raises(Transient):
        await authorise_payment(charge)

    assert (await authorise_payment(charge))["outcome"] == "authorised"


async def test_rotated_api_key_is_fetched_and_used(an_order: AnOrder, monkeypatch: pytest.MonkeyPatch) -> None:
    async def outdated(_: str) -> str:
        return "sk_test_outdated"

    monkeypatch.setattr(secrets, "secret", outdated)

    assert (await authorise_payment(a_charge(await an_order())))["outcome"] == "authorised"


async def test_confirmation_is_sent_once(an_order: AnOrder, mails: Mails) -> None:
    order = await an_order(email="ada@example.com")

    outcomes = [(await send_confirmation(a_step(order)))["outcome"] for _ in range(2)]

    assert outcomes == ["sent", "already_sent"]
    assert len(mails(order.order_id)) == 1
    assert await orders.has_event(order.tenant_id, order.order_id, "confirmation_sent")


async def test_order_that_was_called_off_meanwhile_is_not_confirmed_to_anybody(an_order: AnOrder, mails: Mails) -> None:
    order = await an_order()
    await record_transition(a_step(order, to="cancelled"))

    assert await send_confirmation(a_step(order)) == {"outcome": "not_confirmed"}
    assert mails(order.order_id) == []


async def test_mail_repeated_after_a_crash_is_the_same_message(
    an_order: AnOrder, mails: Mails, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await an_order()
    append = orders.append

    async def crash(*_: object) -> None:
        raise Transient("the process died here")

    monkeypatch.setattr(orders, "append", crash)
    with pytest.raises(Transient):
        await send_confirmation(a_step(order))
    monkeypatch.setattr(orders, "append", append)
    assert (await send_confirmation(a_step(order)))["outcome"] == "sent"

    ids = {message["message_id"] for message in mails(order.order_id)}
    assert ids == {mail.message_id(f"fulfil:{order.tenant_id}:{order.order_id}:send_confirmation")}


async def test_mail_server_that_is_down_is_a_transient_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = mail.settings().model_copy(update={"smtp_port": 9})
    monkeypatch.setattr(mail, "settings", lambda: closed)

    with pytest.raises(Transient, match="mail server"):
        await mail.send(mail.Mail(key="a:b", to=None, subject="s", text="t"))


class Output(func.Out[str]):
    """The host's end of an output binding."""

    def set(self, val: str) -> None:
        self.value = val

    def get(self) -> str:
        return self.value


async def test_published_outcome_is_the_same_message_twice(an_order: AnOrder) -> None:
    order = await an_order()
    step = a_step(order, status="rejected", reason="out_of_stock")
    messages = []
    for _ in range(2):
        output = Output()
        await publish_outcome(step, output)
        messages.append(json.loads(output.get()))

    assert messages[0] == messages[1]
    assert messages[0]["id"] == f"fulfil:{order.tenant_id}:{order.order_id}:publish_outcome"
    assert (messages[0]["status"], messages[0]["reason"]) == ("rejected", "out_of_stock")


async def test_dead_letter_is_kept_once(an_order: AnOrder) -> None:
    order = await an_order()
    waiting = fulfil_instance_id(order.tenant_id, order.order_id)
    step = a_step(
        order, instance_id=waiting, step="release_stock", subject="TEA", payload={"sku": "TEA"}, fault="no answer"
    )

    first, second = await park_dead_letter(step), await park_dead_letter({**step, "fault": "another"})

    assert first == second
    letter = await Container("operations").read(first["letter_id"], order.tenant_id)
    assert (letter["source"], letter["reason"], letter["orderId"]) == ("release_stock", "no answer", order.order_id)


async def test_order_that_does_not_exist_is_not_found() -> None:
    with pytest.raises(NotFound):
        await price_order({"tenant_id": "none", "order_id": "o-0", "correlation_id": "c", "at": "2026-11-02T10:00:00Z"})
