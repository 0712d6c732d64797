"""What happens to a parcel, and to the money for it."""

from __future__ import annotations

from sandbox.client import Staff
from tests.e2e.conftest import ClientOf, Ledger
from tests.e2e.words import PRICE, confirmed, paid, refused, story


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
