"""The saga as the people around an order see it: customer, approver, carrier, operator, admin; over HTTP alone.

Time-outs (an approval after 24 h, an answer after 48 h, a silent parcel, a return after 30 days) cannot be waited for
here: tests/unit plays them in a task hub whose clock is set forward.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from sandbox.client import SHIP_TO, Client, Staff, an_order, expect
from sandbox.eventually import eventually
from tests.e2e.conftest import ClientOf, Endpoints, FaultAt

PRICE = 1250
Settings = Callable[..., None]
Ledger = Callable[[str], tuple[int, int, int, int]]


@pytest.fixture
def settings(staff: Staff) -> Iterator[Settings]:
    """Sets the tenant's settings for one test."""

    def put(**wanted: Any) -> None:
        expect(staff.admin.put("/v1/settings", wanted), 200)

    yield put
    put()


@pytest.fixture
def ledger(endpoints: Endpoints) -> Ledger:
    """What the provider says of an order's money: authorised, captured, refunded, voided."""

    def read(order_id: str) -> tuple[int, int, int, int]:
        if "payments" not in endpoints:
            pytest.skip("nobody knows where payments is")
        entry = requests.get(f"{endpoints['payments']}/_sandbox/ledger/{order_id}", timeout=10).json()
        return entry["authorised"], entry["captured"], entry["refunded"], entry["voided"]

    return read


@pytest.fixture
def two(staff: Staff, sku: str) -> tuple[str, str]:
    """A SKU in each of two warehouses, ten pieces each."""
    staff.operator.stock_up(sku, 10, amount_minor=PRICE, warehouse="berlin")
    staff.operator.stock_up(f"{sku}-H", 10, amount_minor=300, warehouse="hamburg")
    return sku, f"{sku}-H"


def place(staff: Staff, *skus: str, quantity: int = 2, **changes: Any) -> str:
    return staff.customer.place(an_order(*skus, quantity=quantity, **changes))


def confirmed(staff: Staff, *skus: str, quantity: int = 2) -> str:
    order_id = place(staff, *skus, quantity=quantity)
    staff.operator.order_in(order_id, "confirmed")
    return order_id


def story(staff: Staff, order_id: str) -> list[str]:
    """The timeline in words: its types, and for a change of status the status."""
    events = staff.operator.timeline(order_id)
    return [event["status"] if event["type"] == "status_changed" else event["type"] for event in events]


def paid(order: dict[str, Any]) -> tuple[str, int, int]:
    return order["payment"]["status"], order["payment"]["capturedMinor"], order["payment"]["refundedMinor"]


def refused(answer: requests.Response, status: int = 409) -> str:
    """The detail of a refusal."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    return str(answer.json()["detail"])


class TestParcels:
    """One parcel per warehouse; money moves when a parcel does."""

    def test_order_from_two_warehouses_ships_pays_and_arrives_in_two_parcels(
        self, staff: Staff, two: tuple[str, str], ledger: Ledger
    ) -> None:
        order_id = confirmed(staff, *two)
        berlin, hamburg = staff.operator.parcels(order_id, 2)
        assert [berlin["warehouse"], hamburg["warehouse"]] == ["berlin", "hamburg"]
        assert berlin["lines"] == [{"sku": two[0], "quantity": 2, "amountMinor": 2 * PRICE}]

        staff.carrier.report(order_id, berlin["shipmentId"], "shipped")
        half = staff.operator.order_in(order_id, "partially_shipped")
        staff.operator.happened(order_id, "payment_captured")
        assert [line["status"] for line in half["lines"]] == ["shipped", "reserved"]
        assert paid(staff.operator.order(order_id)) == ("partially_captured", 2 * PRICE, 0)
        assert [staff.operator.stock(sku) for sku in two] == [(8, 0), (10, 2)]

        staff.carrier.report(order_id, hamburg["shipmentId"], "shipped")
        staff.operator.order_in(order_id, "shipped")
        for parcel in (berlin, hamburg):
            staff.carrier.report(order_id, parcel["shipmentId"], "delivered")
        order = staff.operator.order_in(order_id, "delivered")

        assert paid(order) == ("captured", 2 * PRICE + 600, 0)
        assert [parcel["status"] for parcel in order["shipments"]] == ["delivered", "delivered"]
        assert ledger(order_id) == (3100, 3100, 0, 0)
        assert [staff.operator.stock(sku) for sku in two] == [(8, 0), (8, 0)]

    def test_lost_parcel_is_paid_back_and_the_other_arrives(
        self, staff: Staff, two: tuple[str, str], ledger: Ledger
    ) -> None:
        order_id = confirmed(staff, *two)

        order = staff.ship(order_id, "lost", "delivered")

        assert (order["status"], order["needsAttention"]) == ("delivered", False)
        assert [line["status"] for line in order["lines"]] == ["lost", "delivered"]
        assert paid(order) == ("partially_refunded", 3100, 2 * PRICE)
        assert ledger(order_id) == (3100, 3100, 2 * PRICE, 0)
        [lost] = staff.operator.happened(order_id, "parcel_lost")
        assert lost["subject"] == order["shipments"][0]["shipmentId"]
        assert (lost["actor"], lost["detail"]) == ("carrier-1", "25.00 EUR refunded")

    def test_order_of_which_everything_is_lost_fails_is_paid_back_and_calls_for_a_person(
        self, staff: Staff, two: tuple[str, str], ledger: Ledger
    ) -> None:
        order_id = confirmed(staff, *two)

        order = staff.ship(order_id, "lost", "lost")

        assert (order["status"], order["needsAttention"]) == ("failed", True)
        assert paid(order) == ("refunded", 3100, 3100)
        assert ledger(order_id) == (3100, 3100, 3100, 0)


class TestCarriers:
    """Carriers repeat themselves, tell things late, and know nothing of other people's parcels."""

    def test_word_that_is_repeated_or_comes_late_changes_nothing(self, staff: Staff, sku: str) -> None:
        staff.operator.stock_up(sku, 3)
        order_id = confirmed(staff, sku)
        [parcel] = staff.operator.parcels(order_id)
        for status in ("shipped", "shipped", "delivered", "delivered"):
            staff.carrier.report(order_id, parcel["shipmentId"], status)
        staff.operator.order_in(order_id, "delivered")
        before = story(staff, order_id)

        for status in ("delivered", "shipped"):
            staff.carrier.report(order_id, parcel["shipmentId"], status)

        assert story(staff, order_id) == before
        assert before.count("parcel_shipped") == before.count("payment_captured") == 1

    def test_parcel_that_arrives_before_it_has_left_has_left(self, staff: Staff, sku: str) -> None:
        staff.operator.stock_up(sku, 3)
        order_id = confirmed(staff, sku)
        [parcel] = staff.operator.parcels(order_id)

        staff.carrier.report(order_id, parcel["shipmentId"], "delivered")

        assert paid(staff.operator.order_in(order_id, "delivered")) == ("captured", 2 * PRICE, 0)
        assert [word for word in story(staff, order_id) if "parcel" in word] == [
            "parcel_booked", "parcel_shipped", "parcel_delivered",
        ]  # fmt: skip

    def test_parcel_that_has_arrived_cannot_be_lost(self, staff: Staff, sku: str) -> None:
        staff.operator.stock_up(sku, 3)
        order_id = confirmed(staff, sku)
        staff.ship(order_id, "delivered")
        [parcel] = staff.operator.parcels(order_id)

        path = f"/v1/orders/{order_id}/shipments/{parcel['shipmentId']}/events"

        assert "is delivered, which lost contradicts" in refused(staff.carrier.post(path, {"status": "lost"}))

    def test_unknown_parcels_wrong_roles_and_other_tenants_are_turned_away(
        self, staff: Staff, client_of: ClientOf, sku: str
    ) -> None:
        staff.operator.stock_up(sku, 3)
        order_id = confirmed(staff, sku)
        [parcel] = staff.operator.parcels(order_id)
        parcels = f"/v1/orders/{order_id}/shipments"
        shipped = {"status": "shipped"}

        stranger = client_of("another-tenant", "carrier", "carrier-1")
        unknown = staff.carrier.post(f"{parcels}/{order_id}-9/events", shipped)
        assert f"has no shipment {order_id}-9" in refused(unknown, 404)
        refused(stranger.post(f"{parcels}/{parcel['shipmentId']}/events", shipped), 404)
        own = staff.customer.post(f"{parcels}/{parcel['shipmentId']}/events", shipped)
        assert "carrier" in refused(own, 403)
        assert staff.operator.order(order_id)["status"] == "confirmed"


class TestCancelling:
    """A customer may change their mind until the first parcel has left."""

    def cancel(self, staff: Staff, order_id: str) -> dict[str, Any]:
        told = staff.customer.tell(f"/v1/orders/{order_id}/cancel", {"note": "changed my mind"})
        assert told["order"].endswith(f"/v1/orders/{order_id}")
        order = staff.operator.order_in(order_id, "cancelled")
        event = next(event for event in staff.operator.timeline(order_id) if event["status"] == "cancelled")
        assert (event["actor"], event["detail"]) == ("c-17", "changed my mind")
        return order

    def test_while_the_provider_is_slow_gives_back_stock_and_money(
        self, staff: Staff, sku: str, fault: FaultAt, ledger: Ledger
    ) -> None:
        staff.operator.stock_up(sku, 3)
        slow = {"operation": "create_payment_intent", "times": 1, "action": {"delay_ms": 2000}}
        with fault("payments", slow) as provider:
            order_id = place(staff, sku)
            provider.await_hit()
            order = self.cancel(staff, order_id)

        assert story(staff, order_id)[-1] == "cancelled"
        assert paid(order)[1:] == (0, 0)
        given_back = (2 * PRICE, 0, 0, 2 * PRICE)
        eventually(lambda: ledger(order_id) == given_back, within_s=20, what="the money let go")
        eventually(lambda: staff.operator.stock(sku) == (3, 0), within_s=20, what="the pieces back on the shelf")

    def test_while_an_approver_is_awaited(self, staff: Staff, sku: str, settings: Settings) -> None:
        settings(approvalOverMinor=1000)
        staff.operator.stock_up(sku, 3)
        order_id = place(staff, sku)
        staff.operator.order_in(order_id, "awaiting_approval")

        self.cancel(staff, order_id)

        assert staff.operator.stock(sku) == (3, 0)
        assert story(staff, order_id) == ["placed", "reserved", "awaiting_approval", "cancelled"]

    def test_confirmed_order_calls_its_parcels_back(self, staff: Staff, two: tuple[str, str], ledger: Ledger) -> None:
        order_id = confirmed(staff, *two)
        staff.operator.parcels(order_id, 2)

        order = self.cancel(staff, order_id)

        assert [parcel["status"] for parcel in order["shipments"]] == ["cancelled", "cancelled"]
        assert paid(order) == ("voided", 0, 0)
        eventually(lambda: staff.operator.stock(two[0]) == (10, 0), within_s=20, what="the pieces back on the shelf")
        assert ledger(order_id) == (3100, 0, 0, 3100)
        shipped = f"/v1/orders/{order_id}/shipments/{order['shipments'][0]['shipmentId']}/events"
        assert "is cancelled" in refused(staff.carrier.post(shipped, {"status": "shipped"}))

    def test_needs_no_body_and_is_heard_once(self, staff: Staff, sku: str) -> None:
        staff.operator.stock_up(sku, 3)
        order_id = confirmed(staff, sku)

        assert staff.customer.call("POST", f"/v1/orders/{order_id}/cancel").status_code == 202
        staff.operator.order_in(order_id, "cancelled")

        again = refused(staff.customer.call("POST", f"/v1/orders/{order_id}/cancel"))
        assert f"order {order_id} is cancelled" in again

    def test_order_that_has_left_says_so(self, staff: Staff, sku: str) -> None:
        staff.operator.stock_up(sku, 3)
        order_id = confirmed(staff, sku)
        staff.ship(order_id, "delivered")

        detail = refused(staff.customer.post(f"/v1/orders/{order_id}/cancel", {}))

        assert detail == f"order {order_id} is delivered: it can be cancelled until its first parcel has left, and once"

    def test_parcel_that_leaves_in_the_same_moment_wins_and_the_timeline_tells(
        self, staff: Staff, sku: str, fault: FaultAt, ledger: Ledger
    ) -> None:
        staff.operator.stock_up(sku, 3)
        order_id = confirmed(staff, sku)
        [parcel] = staff.operator.parcels(order_id)
        staff.operator.happened(order_id, "confirmation_sent")
        held = {"match": {"operation": "Batch", "container": "orders"}, "times": 1, "action": {"delayMs": 2000}}
        with fault("cosmos", held) as database:
            staff.customer.tell(f"/v1/orders/{order_id}/cancel", {"note": "changed my mind"})
            database.await_hit()  # the batch that cancels order and parcels waits; the parcel leaves before it
            staff.carrier.report(order_id, parcel["shipmentId"], "shipped")
            staff.operator.order_in(order_id, "shipped")

            [no] = staff.operator.happened(order_id, "cancel_refused")
        assert (no["actor"], no["detail"]) == ("c-17", "a parcel has left")
        staff.carrier.report(order_id, parcel["shipmentId"], "delivered")
        assert paid(staff.operator.order_in(order_id, "delivered")) == ("captured", 2 * PRICE, 0)
        assert ledger(order_id)[1:] == (2 * PRICE, 0, 0)

    def test_is_not_for_other_customers(self, staff: Staff, client_of: ClientOf, sku: str) -> None:
        staff.operator.stock_up(sku, 3)
        order_id = confirmed(staff, sku)
        eve = client_of(str(staff.operator.order(order_id)["tenantId"]), "customer", "c-eve")

        refused(eve.post(f"/v1/orders/{order_id}/cancel", {}), 404)
        refused(staff.carrier.post(f"/v1/orders/{order_id}/cancel", {}), 403)


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


class TestReplaying:
    """A compensation that keeps failing waits for a person, and goes on where it stopped."""

    def test_money_that_could_not_be_let_go_is_let_go_when_a_person_asks(
        self, staff: Staff, sku: str, fault: FaultAt, ledger: Ledger
    ) -> None:
        staff.operator.stock_up(sku, 3)
        order_id = confirmed(staff, sku)
        down = {"operation": "cancel_payment_intent", "times": 1000, "action": {"status": 503}}
        with fault("payments", down):
            staff.customer.tell(f"/v1/orders/{order_id}/cancel")
            [flag] = staff.operator.happened(order_id, "needs_attention")
        order = staff.operator.order(order_id)
        assert (order["status"], order["needsAttention"]) == ("cancelled", True)
        assert (flag["subject"], flag["detail"]) == ("compensation:1", "void_payment kept failing")
        assert staff.operator.stock(sku) == (3, 0)  # the other compensations have run
        [letter] = staff.admin.dead_letters(order_id)
        assert (letter["source"], letter["instanceId"]) == ("void_payment", f"fulfil:{order['tenantId']}:{order_id}")
        assert "Traceback" not in letter["reason"]
        replay = f"/v1/dead-letters/{letter['letterId']}/replay"
        assert "admin" in refused(staff.operator.post(replay), 403)

        staff.admin.tell(replay)

        [attended] = staff.operator.happened(order_id, "attended")
        assert (attended["actor"], attended["detail"]) == ("admin-1", "everything is undone")
        assert not staff.operator.order(order_id)["needsAttention"]
        assert ledger(order_id) == (2 * PRICE, 0, 0, 2 * PRICE)
        [letter] = staff.admin.dead_letters(order_id)
        assert (letter["status"], letter["handled"][-1]["actor"]) == ("replayed", "admin-1")
        ended = f"/v1/workflows/{letter['instanceId']}"
        eventually(lambda: staff.operator.get(ended).status_code == 200, within_s=20, what="the end of the saga")
        assert "was replayed by admin-1 at" in refused(staff.admin.post(replay))

    def test_letter_of_a_failed_order_is_discarded_and_stays_on_record(self, staff: Staff, sku: str) -> None:
        staff.operator.stock_up(sku, 3)
        order_id = confirmed(staff, sku)
        assert staff.ship(order_id, "lost")["needsAttention"]
        [parked] = eventually(lambda: staff.admin.dead_letters(order_id), within_s=20, what="the dead letter")
        letter = f"/v1/dead-letters/{parked['letterId']}"
        assert "discard the letter" in refused(staff.admin.post(f"{letter}/replay"))

        discarded = expect(staff.admin.call("DELETE", letter, params={"reason": "the customer was called"}), 200)

        assert discarded == expect(staff.admin.get(letter), 200)
        [handling] = discarded["handled"]
        assert (handling["actor"], handling["outcome"]) == ("admin-1", "discarded")
        assert not staff.operator.order(order_id)["needsAttention"]
        assert "the customer was called" in staff.operator.happened(order_id, "attended")[0]["detail"]
        found = expect(staff.admin.get("/v1/dead-letters", params={"orderId": order_id, "status": "open"}), 200)
        assert found["items"] == []

    def test_unknown_letter_cannot_be_replayed(self, staff: Staff) -> None:
        assert refused(staff.admin.post("/v1/dead-letters/none/replay"), 404) == "there is no dead letter none"


class TestSettings:
    """What a tenant may decide."""

    @pytest.fixture
    def admin(self, client_of: ClientOf) -> Client:
        """An admin of a tenant that has never set anything."""
        return client_of(f"t-{uuid.uuid4().hex[:8]}", "admin")

    def test_are_defaults_until_they_are_set(self, admin: Client) -> None:
        settings = admin.get("/v1/settings").json()

        assert settings["approvalOverMinor"] == 100_000
        assert (settings["approvalTimeoutHours"], settings["shortageTimeoutHours"]) == (24, 48)
        assert (settings["parcelSilentDays"], settings["returnDays"], settings["whenShort"]) == (7, 30, "reject")

    def test_are_changed_under_their_etag(self, admin: Client) -> None:
        first = admin.put("/v1/settings", {"whenShort": "ask"})
        assert first.headers["ETag"] == admin.get("/v1/settings").headers["ETag"]

        second = admin.put("/v1/settings", {"returnDays": 14}, headers={"If-Match": first.headers["ETag"]})
        assert second.status_code == 200
        assert second.json()["whenShort"] == "reject"  # what is left out has its default
        late = admin.put("/v1/settings", {"returnDays": 15}, headers={"If-Match": first.headers["ETag"]})

        assert refused(late, 412)
        assert admin.get("/v1/settings").json()["returnDays"] == 14
        known = admin.get("/v1/settings", headers={"If-None-Match": second.headers["ETag"]})
        assert known.status_code == 304

    def test_are_set_by_admins_alone(self, staff: Staff) -> None:
        assert staff.operator.get("/v1/settings").status_code == 200
        assert "admin" in refused(staff.operator.put("/v1/settings", {}), 403)
        assert refused(staff.customer.get("/v1/settings"), 403)
