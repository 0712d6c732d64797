"""Customers who change their mind, at every stage of an order."""

from __future__ import annotations

from typing import Any

from sandbox.client import Staff
from sandbox.eventually import eventually
from tests.e2e.conftest import ClientOf, FaultAt, Ledger, Settings
from tests.e2e.words import PRICE, confirmed, paid, place, refused, story


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
