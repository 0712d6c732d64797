"""Which pieces can come back, and how much of the customer's money with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from domain.changes import Change
from domain.errors import Rejected
from domain.orders import Line, LineStatus, Order, OrderStatus
from domain.payments import PaymentSummary
from domain.returns import Return, received, request
from tests.unit.conftest import AT

PRICES = {"TEA": 1250, "MUG": 1800}
S = LineStatus

AnOrder = Callable[..., Order]


def a_line(sku: str, quantity: int, status: LineStatus = S.DELIVERED, **counts: int) -> Line:
    return Line(sku=sku, quantity=quantity, unit_amount_minor=PRICES[sku], warehouse=sku, status=status, **counts)


@pytest.fixture
def shipped(an_order: AnOrder) -> Callable[..., Order]:
    """`shipped(a_line(…), captured=4300)`: an order that has been delivered, unless told otherwise."""

    def build(*lines: Line, captured: int, refunded: int = 0, status: OrderStatus = OrderStatus.DELIVERED) -> Order:
        paid = PaymentSummary(authorised_minor=captured, captured_minor=captured, refunded_minor=refunded)
        return an_order().model_copy(update={"status": status, "lines": lines, "payment": paid})

    return build


def told(**changes: Any) -> Change:
    return Change(to=OrderStatus.DELIVERED, at=AT, actor="c-17", correlation_id="corr-1", **changes)


def announced(order: Order, return_id: str = "r-1", **wanted: int) -> tuple[Order, Return]:
    after, returned, _ = request(order, wanted, return_id, "too many", told())
    return after, returned


@pytest.mark.parametrize("other", [S.RESERVED, S.SHIPPED])
def test_nothing_comes_back_while_a_parcel_is_still_to_come(shipped: Callable[..., Order], other: LineStatus) -> None:
    status = OrderStatus.SHIPPED if other is S.SHIPPED else OrderStatus.PARTIALLY_SHIPPED
    order = shipped(a_line("TEA", 2), a_line("MUG", 1, other), captured=2500, status=status)

    with pytest.raises(Rejected, match=f"which is {status}: all of its parcels must have arrived first"):
        announced(order, TEA=1)


@pytest.mark.parametrize("status", sorted(OrderStatus))
def test_return_that_can_be_announced_can_be_received(shipped: Callable[..., Order], status: OrderStatus) -> None:
    order = shipped(a_line("TEA", 2), a_line("MUG", 1), captured=4300, status=status)
    try:
        order, returned = announced(order, TEA=2)
    except Rejected:
        return

    after, _, _ = received(order, returned, told())

    assert after.status is OrderStatus.PARTIALLY_RETURNED


def test_pieces_are_worth_their_price(shipped: Callable[..., Order]) -> None:
    order = shipped(a_line("TEA", 2), a_line("MUG", 1), captured=4300)

    order, first = announced(order, TEA=1)
    _, rest = announced(order, "r-2", TEA=1, MUG=1)

    assert (first.refund_minor, rest.refund_minor) == (1250, 3050)


def test_pieces_that_were_never_paid_for_bring_nothing_of_what_was_paid_for_others(
    shipped: Callable[..., Order],
) -> None:
    order = shipped(a_line("TEA", 2), a_line("MUG", 1), captured=2500)  # the capture for the mug was refused

    _, returned, _ = request(order, {"MUG": 1, "TEA": 2}, "r-1", "all of it", told(), unpaid={"MUG"})

    assert [(line.sku, line.amount_minor) for line in returned.lines] == [("MUG", 0), ("TEA", 2500)]
