from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta

import pytest
from pydantic import ValidationError

from domain.changes import Change, IllegalTransition, transition
from domain.orders import (
    CALLED_OFF,
    TRANSITIONS,
    UNDECIDED,
    Order,
    OrderStatus,
    Reason,
    placed,
)
from domain.payments import Movement, PaymentStatus
from tests.unit.conftest import AT

S = OrderStatus
AnOrder = Callable[..., Order]

# The table as the design gives it, written down a second time on purpose.
LEGAL = {
    (S.PENDING, S.RESERVED), (S.PENDING, S.REJECTED), (S.PENDING, S.CANCELLED), (S.PENDING, S.FAILED),
    (S.RESERVED, S.AWAITING_APPROVAL), (S.RESERVED, S.CONFIRMED), (S.RESERVED, S.REJECTED),
    (S.RESERVED, S.CANCELLED), (S.RESERVED, S.FAILED),
    (S.AWAITING_APPROVAL, S.CONFIRMED), (S.AWAITING_APPROVAL, S.REJECTED),
    (S.AWAITING_APPROVAL, S.CANCELLED), (S.AWAITING_APPROVAL, S.FAILED),
    (S.CONFIRMED, S.PARTIALLY_SHIPPED), (S.CONFIRMED, S.SHIPPED), (S.CONFIRMED, S.CANCELLED), (S.CONFIRMED, S.FAILED),
    (S.PARTIALLY_SHIPPED, S.SHIPPED), (S.PARTIALLY_SHIPPED, S.FAILED),
    (S.SHIPPED, S.DELIVERED), (S.SHIPPED, S.FAILED),
    (S.DELIVERED, S.PARTIALLY_RETURNED), (S.DELIVERED, S.RETURNED),
    (S.PARTIALLY_RETURNED, S.RETURNED),
}  # fmt: skip


def change(to: OrderStatus, **facts: object) -> Change:
    return Change.model_validate(
        {"to": to, "at": AT + timedelta(seconds=1), "actor": "fulfil_order", "correlation_id": "corr-1", **facts}
    )


def offer(unit_amount_minor: int) -> dict[str, object]:
    return {"unit_amount_minor": unit_amount_minor, "warehouse": "berlin"}


@pytest.mark.parametrize(("before", "after"), list(itertools.product(S, S)))
def test_every_pair_of_statuses_is_legal_or_raises(an_order: AnOrder, before: OrderStatus, after: OrderStatus) -> None:
    order = an_order(status=before)
    untouched = order.to_json()

    if (before, after) in LEGAL:
        moved, event = transition(order, change(after))
        assert (moved.status, event.status, moved.version) == (after, after, order.version + 1)
    else:
        with pytest.raises(IllegalTransition, match=f"is {before} and cannot become {after}"):
            transition(order, change(after))
    assert order.to_json() == untouched


def test_every_status_has_a_row_and_final_ones_lead_nowhere() -> None:
    assert set(TRANSITIONS) == set(S)
    assert {status for status, nexts in TRANSITIONS.items() if not nexts} == {*CALLED_OFF, S.RETURNED}
    assert not UNDECIDED & CALLED_OFF


def test_reserving_records_prices_and_the_total(an_order: AnOrder) -> None:
    order = an_order(lines=[("TEA", 2), ("MUG", 1), ("TEA", 1)])

    reserved, _ = transition(order, change(S.RESERVED, offers={"TEA": offer(1250), "MUG": offer(1800)}))

    assert reserved.total_minor == 3 * 1250 + 1800
    assert [line.unit_amount_minor for line in reserved.lines] == [1250, 1800, 1250]
    assert {line.status for line in reserved.lines} == {"reserved"}


def test_confirming_records_what_is_held(an_order: AnOrder) -> None:
    held = Movement(kind="authorisation", key="k", provider_id="pi_1", amount_minor=2500, currency="EUR")

    confirmed, _ = transition(an_order(status=S.RESERVED), change(S.CONFIRMED, movement=held))

    assert (confirmed.payment.status, confirmed.payment.authorised_minor) == (PaymentStatus.AUTHORISED, 2500)


def test_rejection_names_its_reason_and_cancels_the_lines(an_order: AnOrder) -> None:
    rejected, event = transition(an_order(), change(S.REJECTED, reason=Reason.OUT_OF_STOCK))

    assert (rejected.reason, rejected.total_minor) == (Reason.OUT_OF_STOCK, None)
    assert {line.status for line in rejected.lines} == {"cancelled"}
    assert (event.type, event.detail) == ("status_changed", "out_of_stock")


def test_declined_card_shows_in_the_payment(an_order: AnOrder) -> None:
    rejected, _ = transition(an_order(status=S.RESERVED), change(S.REJECTED, reason=Reason.PAYMENT_DECLINED))

    assert rejected.payment.status is PaymentStatus.DECLINED


def test_failure_after_the_charge_shows_it_voided(an_order: AnOrder) -> None:
    held = Movement(kind="authorisation", key="k", provider_id="pi_1", amount_minor=2500, currency="EUR")
    confirmed, _ = transition(an_order(status=S.RESERVED), change(S.CONFIRMED, movement=held))

    failed, _ = transition(confirmed, change(S.FAILED, needs_attention=True))

    assert (failed.payment.status, failed.payment.authorised_minor) == (PaymentStatus.VOIDED, 0)
    assert failed.needs_attention


def test_events_of_one_order_have_names_of_their_own(an_order: AnOrder) -> None:
    order = an_order()
    reserved, first = transition(order, change(S.RESERVED))
    _, second = transition(reserved, change(S.CONFIRMED))

    assert [placed(order, "u-1").name, first.name, second.name] == ["placed", "reserved", "confirmed"]


def test_stored_order_reads_back_as_it_was(an_order: AnOrder) -> None:
    order = an_order(status=S.RESERVED, email="ada@example.com")

    assert Order.model_validate(order.to_json()) == order


def test_record_that_cannot_be_read_is_reported_without_what_was_in_it() -> None:
    with pytest.raises(ValidationError) as found:
        Order.model_validate({"email": "ada@example.com", "payment_method": 4242})

    assert "4242" not in str(found.value)
    assert "ada@" not in str(found.value)
