"""Delivered pieces that come back."""

from __future__ import annotations

import uuid

import pytest

from sandbox.client import Staff
from tests.e2e.conftest import Ledger
from tests.e2e.words import PRICE, confirmed, paid, refused


class TestReturning:
    """Delivered pieces come back; money and stock follow when they arrive."""

    @pytest.fixture
    def delivered(self, staff: Staff, two: tuple[str, str]) -> str:
        order_id = confirmed(staff, *two)
        staff.ship(order_id, "delivered", "delivered")
        return order_id

    def test_some_pieces_and_then_the_rest(
        self, staff: Staff, delivered: str, two: tuple[str, str], ledger: Ledger
    ) -> None:
        first = staff.customer.send_back(delivered, two[0], 1, "one was too many")
        staff.operator.tell(f"/v1/returns/{first}/events", {"status": "received", "note": "as new"})
        order = staff.operator.order_in(delivered, "partially_returned")
        assert paid(order) == ("partially_refunded", 3100, PRICE)
        assert staff.operator.stock(two[0]) == (9, 0)
        [event] = staff.operator.happened(delivered, "return_received")
        assert (event["subject"], event["actor"]) == (first, "u-1")
        assert event["detail"] == "as new; 12.50 EUR refunded"

        rest = [{"sku": two[0], "quantity": 1}, {"sku": two[1], "quantity": 2}]
        told = staff.customer.tell(f"/v1/orders/{delivered}/returns", {"lines": rest, "reason": "all of it"})
        assert told["refundMinor"] == PRICE + 600
        staff.operator.tell(f"/v1/returns/{told['returnId']}/events", {"status": "received"})

        assert paid(staff.operator.order_in(delivered, "returned")) == ("refunded", 3100, 3100)
        assert ledger(delivered) == (3100, 3100, 3100, 0)
        assert [staff.operator.stock(sku) for sku in two] == [(10, 0), (10, 0)]

    def test_refused_pieces_cost_nothing_and_can_be_announced_again(
        self, staff: Staff, delivered: str, two: tuple[str, str], ledger: Ledger
    ) -> None:
        first = staff.customer.send_back(delivered, two[0], 2, "broken")
        staff.operator.tell(f"/v1/returns/{first}/events", {"status": "refused", "note": "worn"})
        [event] = staff.operator.happened(delivered, "return_refused")
        assert (event["status"], event["detail"]) == ("delivered", "worn")
        assert ledger(delivered)[2] == 0
        assert staff.operator.stock(two[0]) == (8, 0)

        assert staff.customer.send_back(delivered, two[0], 2, "really broken") != first

    def test_no_piece_is_returned_twice(self, staff: Staff, delivered: str, two: tuple[str, str]) -> None:
        path = f"/v1/orders/{delivered}/returns"
        staff.customer.send_back(delivered, two[0], 1, "too many")

        more = staff.customer.post(path, {"lines": [{"sku": two[0], "quantity": 2}], "reason": "all"})

        assert refused(more).startswith(f"2 x {two[0]} cannot be returned of order {delivered}, which is delivered: 1 ")

    def test_same_key_announces_one_return(self, staff: Staff, delivered: str, two: tuple[str, str]) -> None:
        path, wish = f"/v1/orders/{delivered}/returns", {"lines": [{"sku": two[0], "quantity": 1}], "reason": "x"}
        key = uuid.uuid4().hex

        first, again = (staff.customer.tell(path, wish, key=key) for _ in range(2))

        assert first == again
        assert len(staff.operator.happened(delivered, "return_requested")) == 1
        other = staff.customer.post(path, {**wish, "reason": "y"}, key=key)
        assert "another body" in refused(other)

    def test_what_was_received_is_not_refused_and_what_was_never_announced_is_unknown(
        self, staff: Staff, delivered: str, two: tuple[str, str]
    ) -> None:
        return_id = staff.customer.send_back(delivered, two[0], 1, "x")
        path = f"/v1/returns/{return_id}/events"
        staff.operator.tell(path, {"status": "received"})
        staff.operator.order_in(delivered, "partially_returned")
        staff.operator.tell(path, {"status": "received"})  # known already

        assert "is received, which refused contradicts" in refused(staff.operator.post(path, {"status": "refused"}))
        assert refused(staff.customer.post(path, {"status": "received"}), 403)
        unknown = staff.operator.post("/v1/returns/r-1/events", {"status": "received"})
        assert refused(unknown, 404) == "there is no return r-1"

    def test_pieces_that_have_not_arrived_cannot_come_back(self, staff: Staff, sku: str) -> None:
        staff.operator.stock_up(sku, 3)
        order_id = confirmed(staff, sku)
        wish = {"lines": [{"sku": sku, "quantity": 1}], "reason": "x"}

        assert "which is confirmed" in refused(staff.customer.post(f"/v1/orders/{order_id}/returns", wish))
