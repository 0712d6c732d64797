"""What could not be done, and the admin who has it done after all."""

from __future__ import annotations

from sandbox.client import Staff, expect
from sandbox.eventually import eventually
from tests.e2e.conftest import FaultAt, Ledger
from tests.e2e.words import PRICE, confirmed, refused


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
