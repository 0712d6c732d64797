"""Orders that wait for somebody's word: an approver's, or their customer's."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from sandbox.client import SHIP_TO, Staff
from sandbox.eventually import eventually
from tests.e2e.conftest import Endpoints, Settings
from tests.e2e.words import PRICE, confirmed, place, refused


class TestApproving:
    """Large and doubtful orders wait for a person."""

    @pytest.fixture
    def waiting(self, staff: Staff, sku: str, settings: Settings) -> str:
        settings(approvalOverMinor=1000)
        staff.operator.stock_up(sku, 3)
        order_id = place(staff, sku)
        staff.operator.order_in(order_id, "awaiting_approval")
        return order_id

    def test_approved_order_goes_on_and_the_timeline_says_who_and_why(
        self, staff: Staff, waiting: str, endpoints: Endpoints
    ) -> None:
        if "mail" in endpoints:
            url, about = f"{endpoints['mail']}/messages", {"contains": waiting}
            [mail] = eventually(
                lambda: requests.get(url, params=about, timeout=10).json(), within_s=20, what="the mail to approvers"
            )
            assert mail["subject"] == f"Order {waiting} waits for approval"
        staff.approver.tell(f"/v1/orders/{waiting}/approval", {"approved": True, "note": "known customer"})

        staff.operator.order_in(waiting, "confirmed")

        asked, event = [event for event in staff.operator.timeline(waiting) if event["detail"]][:2]
        assert asked["detail"] == "the total is over 1000"
        assert event["detail"] == "approved by boss-1: known customer; 25.00 EUR authorised"

    def test_denied_order_is_rejected_and_gives_back_its_stock(self, staff: Staff, waiting: str, sku: str) -> None:
        staff.approver.tell(f"/v1/orders/{waiting}/approval", {"approved": False, "note": "too good to be true"})

        order = staff.operator.order_in(waiting, "rejected")

        assert order["reason"] == "approval_denied"
        last = staff.operator.timeline(waiting)[-1]
        assert (last["actor"], last["detail"]) == ("boss-1", "too good to be true")
        assert staff.operator.stock(sku) == (3, 0)

    def test_only_approvers_decide_and_only_once(self, staff: Staff, waiting: str) -> None:
        path = f"/v1/orders/{waiting}/approval"
        assert "approver" in refused(staff.operator.post(path, {"approved": True}), 403)
        staff.approver.tell(path, {"approved": True})
        staff.operator.order_in(waiting, "confirmed")

        again = refused(staff.approver.post(path, {"approved": False}))

        assert again == f"order {waiting} is confirmed: it awaits no approval"

    def test_risk_that_the_tenant_refuses_rejects(self, staff: Staff, sku: str, settings: Settings) -> None:
        settings(risk={"rejectCountries": ["DE"]})
        staff.operator.stock_up(sku, 3)

        order = staff.operator.order_in(place(staff, sku), "rejected")

        assert order["reason"] == "risk"
        assert staff.operator.timeline(order["orderId"])[-1]["detail"] == "nothing is shipped to DE"
        assert staff.operator.stock(sku) == (3, 0)

    def test_risk_that_the_tenant_doubts_waits_for_an_approver(
        self, staff: Staff, sku: str, settings: Settings
    ) -> None:
        settings(risk={"reviewCountries": ["XX"], "reviewOverQuantity": 2})
        staff.operator.stock_up(sku, 5)

        order_id = place(staff, sku, quantity=3, shipTo={**SHIP_TO, "country": "XX"})

        staff.operator.order_in(order_id, "awaiting_approval")
        why = staff.operator.timeline(order_id)[-1]["detail"]
        assert why == "3 pieces are more than 2; goes to XX"


class TestShortages:
    """Too little of something, and a tenant that asks its customers."""

    @pytest.fixture
    def asked(self, staff: Staff, two: tuple[str, str], settings: Settings) -> str:
        """An order of twelve pieces of each of two SKUs of which there are ten."""
        settings(whenShort="ask")
        order_id = place(staff, *two, quantity=12)
        staff.operator.happened(order_id, "short")
        return order_id

    def answer(self, staff: Staff, order_id: str, decision: str, **more: Any) -> requests.Response:
        return staff.customer.post(f"/v1/orders/{order_id}/shortage", {"decision": decision, **more})

    def test_customer_sees_what_is_held(self, staff: Staff, asked: str, two: tuple[str, str]) -> None:
        order = staff.customer.order(asked)

        assert (order["status"], order["shortage"]) == ("pending", dict.fromkeys(two, 10))
        detail = staff.customer.timeline(asked)[-1]["detail"]
        assert sorted(detail.split(", ")) == sorted(f"10 of 12 x {sku}" for sku in two)

    def test_accepted_order_goes_on_with_what_there_is(self, staff: Staff, asked: str, two: tuple[str, str]) -> None:
        assert self.answer(staff, asked, "accept").status_code == 202

        order = staff.operator.order_in(asked, "confirmed")

        assert [line["quantity"] for line in order["lines"]] == [10, 10]
        assert order["totalMinor"] == order["payment"]["authorisedMinor"] == 10 * PRICE + 3000
        assert order["shortage"] is None
        assert [staff.operator.stock(sku) for sku in two] == [(10, 10), (10, 10)]

    def test_amended_order_keeps_its_total_when_it_is_cancelled(
        self, staff: Staff, asked: str, two: tuple[str, str]
    ) -> None:
        assert self.answer(staff, asked, "amend", lines=[{"sku": two[0], "quantity": 4}]).status_code == 202
        order = staff.operator.order_in(asked, "confirmed")
        assert [line["status"] for line in order["lines"]] == ["reserved", "cancelled"]
        assert order["totalMinor"] == 4 * PRICE
        assert [staff.operator.stock(sku) for sku in two] == [(10, 4), (10, 0)]

        staff.customer.tell(f"/v1/orders/{asked}/cancel")

        assert staff.operator.order_in(asked, "cancelled")["totalMinor"] == 4 * PRICE

    @pytest.mark.parametrize("way", ["answer", "cancel"])
    def test_cancelled_order_holds_nothing(self, staff: Staff, asked: str, two: tuple[str, str], way: str) -> None:
        if way == "answer":
            assert self.answer(staff, asked, "cancel", note="no").status_code == 202
        else:
            staff.customer.tell(f"/v1/orders/{asked}/cancel", {"note": "no"})

        staff.operator.order_in(asked, "cancelled")

        last = staff.operator.timeline(asked)[-1]
        assert (last["actor"], last["detail"]) == ("c-17", "no")
        assert [staff.operator.stock(sku) for sku in two] == [(10, 0), (10, 0)]

    def test_wrong_answers_are_refused_and_the_question_stays_open(
        self, staff: Staff, asked: str, two: tuple[str, str]
    ) -> None:
        too_many = self.answer(staff, asked, "amend", lines=[{"sku": two[0], "quantity": 11}])
        assert refused(too_many) == f"{two[0]}: 11 are wanted, 10 are held"
        foreign = self.answer(staff, asked, "amend", lines=[{"sku": "OTHER", "quantity": 1}])
        assert refused(foreign) == "OTHER: 1 are wanted, 0 are held"
        nothing = self.answer(staff, asked, "amend")
        assert refused(nothing, 400)
        assert nothing.json()["errors"][0]["pointer"] == "/lines"
        assert refused(self.answer(staff, asked, "perhaps"), 400)
        assert staff.customer.order(asked)["shortage"]

    def test_order_that_is_not_short_awaits_no_answer(self, staff: Staff, sku: str) -> None:
        staff.operator.stock_up(sku, 3)
        order_id = confirmed(staff, sku)

        detail = refused(self.answer(staff, order_id, "accept"))

        assert detail.startswith(f"order {order_id} is confirmed: it does not wait for its customer")
