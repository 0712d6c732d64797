"""The stories of an order, one per way that it can take: who does what, and how the order must end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import requests

from sandbox.client import Client, Staff, an_order, expect
from sandbox.eventually import eventually


@dataclass(frozen=True)
class Scene:
    """Who takes part, where the payment provider can be disturbed, and where mail arrives."""

    staff: Staff
    payments: str
    mail: str
    customer: Callable[[str], Client]
    """A customer of this id, other than the usual one."""

    def place(self, *skus: str, quantity: int = 1, **changes: Any) -> str:
        """The customer places an order."""
        return self.staff.customer.place(an_order(*skus, quantity=quantity, **changes))

    def confirmed(self, *skus: str, quantity: int = 1, **changes: Any) -> str:
        """The customer places an order, and all goes well until it is confirmed and its mail is sent."""
        order_id = self.place(*skus, quantity=quantity, **changes)
        self.until(order_id, "confirmed")
        self.staff.operator.happened(order_id, "confirmation_sent")
        return order_id

    def until(self, order_id: str, *statuses: str) -> None:
        """Wait for a status."""
        self.staff.operator.order_in(order_id, *statuses, within_s=60)

    def cancel(self, order_id: str) -> None:
        """The customer cancels, and everything is undone."""
        self.staff.customer.tell(f"/v1/orders/{order_id}/cancel", {"note": "changed my mind"})

    def until_all_is_done(self, order_id: str) -> None:
        """Wait until nothing is left to do for an order."""
        operator = self.staff.operator
        workflow = f"/v1/workflows/fulfil:{operator.order(order_id)['tenantId']}:{order_id}"
        eventually(lambda: operator.get(workflow).status_code == 200, within_s=60, what=f"the end of {workflow}")

    @contextmanager
    def settings(self, **wanted: Any) -> Iterator[None]:
        """The tenant decides otherwise for a while."""
        before = self.staff.admin.get("/v1/settings").json()
        expect(self.staff.admin.put("/v1/settings", before | wanted), 200)
        try:
            yield
        finally:
            expect(self.staff.admin.put("/v1/settings", before), 200)

    @contextmanager
    def provider_down(self, operation: str) -> Iterator[None]:
        """The payment provider answers nothing of this kind for a while."""
        faults = f"{self.payments}/_sandbox/faults"
        rule = {"operation": operation, "times": 1000, "action": {"status": 503}}
        requests.post(faults, json=rule, timeout=10).raise_for_status()
        try:
            yield
        finally:
            requests.delete(faults, timeout=10).raise_for_status()


class Story(NamedTuple):
    """What is told of an order, who does what (it returns the order's id), and how it must end."""

    title: str
    text: str
    play: Callable[[Scene], str]
    ends_in: str


def delivered(scene: Scene) -> str:
    order_id = scene.confirmed("TEA-500", "POT-01", email="ada@example.com")
    scene.staff.ship(order_id, "delivered", "delivered")
    return order_id


def too_little(scene: Scene) -> str:
    order_id = scene.place("TEA-500", "POT-01", quantity=2)
    scene.until(order_id, "rejected")
    return order_id


def unknown(scene: Scene) -> str:
    order_id = scene.place("TEA-500", "NO-SUCH-THING")
    scene.until(order_id, "rejected")
    return order_id


def declined(scene: Scene) -> str:
    order_id = scene.place("MUG-01", paymentMethod="pm_card_visa_chargeDeclined")
    scene.until(order_id, "rejected")
    return order_id


def risky(scene: Scene) -> str:
    with scene.settings(risk={"rejectCountries": ["DE"]}):
        order_id = scene.place("TEA-500")
        scene.until(order_id, "rejected")
    return order_id


def asked(scene: Scene) -> str:
    """An order that waits for an approver."""
    with scene.settings(approvalOverMinor=5000):
        order_id = scene.place("MUG-01", quantity=3)
        scene.until(order_id, "awaiting_approval")
    return order_id


def approved(scene: Scene) -> str:
    order_id = asked(scene)
    scene.staff.approver.tell(f"/v1/orders/{order_id}/approval", {"approved": True, "note": "known customer"})
    scene.until(order_id, "confirmed")
    scene.staff.ship(order_id, "delivered")
    return order_id


def denied(scene: Scene) -> str:
    order_id = asked(scene)
    scene.staff.approver.tell(f"/v1/orders/{order_id}/approval", {"approved": False, "note": "too good to be true"})
    scene.until(order_id, "rejected")
    return order_id


def short(scene: Scene, **answer: Any) -> str:
    """An order of three teapots, of which there is one, and what its customer says."""
    with scene.settings(whenShort="ask"):
        order_id = scene.place("TEA-500", "POT-01", quantity=3)
        scene.staff.operator.happened(order_id, "short")
    scene.staff.customer.tell(f"/v1/orders/{order_id}/shortage", answer)
    return order_id


def accepted(scene: Scene) -> str:
    order_id = short(scene, decision="accept")
    scene.until(order_id, "confirmed")
    scene.staff.ship(order_id, "delivered", "delivered")
    return order_id


def amended(scene: Scene) -> str:
    order_id = short(scene, decision="amend", lines=[{"sku": "TEA-500", "quantity": 2}])
    scene.until(order_id, "confirmed")
    scene.staff.ship(order_id, "delivered")
    return order_id


def cancelled_waiting(scene: Scene) -> str:
    order_id = asked(scene)
    scene.cancel(order_id)
    scene.until_all_is_done(order_id)
    return order_id


def cancelled_confirmed(scene: Scene) -> str:
    order_id = scene.confirmed("TEA-500", quantity=2)
    scene.cancel(order_id)
    scene.until_all_is_done(order_id)
    return order_id


def lost(scene: Scene) -> str:
    order_id = scene.confirmed("TEA-500", "POT-01")
    scene.staff.ship(order_id, "delivered", "lost")
    return order_id


def all_lost(scene: Scene) -> str:
    order_id = scene.confirmed("TEA-500")
    scene.staff.ship(order_id, "lost")
    return order_id


def sent_back(scene: Scene) -> str:
    order_id = scene.confirmed("MUG-01", quantity=2)
    scene.staff.ship(order_id, "delivered")
    for reason, note in (("one is chipped", "chipped indeed"), ("and I do not like the other", "as new")):
        return_id = scene.staff.customer.send_back(order_id, "MUG-01", 1, reason)
        scene.staff.operator.tell(f"/v1/returns/{return_id}/events", {"status": "received", "note": note})
        scene.until(order_id, "partially_returned" if note == "chipped indeed" else "returned")
    return order_id


def return_refused(scene: Scene) -> str:
    order_id = scene.confirmed("MUG-01")
    scene.staff.ship(order_id, "delivered")
    return_id = scene.staff.customer.send_back(order_id, "MUG-01", 1, "broken")
    scene.staff.operator.tell(f"/v1/returns/{return_id}/events", {"status": "refused", "note": "was used"})
    scene.staff.operator.happened(order_id, "return_refused")
    return order_id


def replayed(scene: Scene) -> str:
    order_id = scene.confirmed("TEA-500")
    with scene.provider_down("cancel_payment_intent"):
        scene.cancel(order_id)
        scene.staff.operator.happened(order_id, "needs_attention")
    [letter] = scene.staff.admin.dead_letters(order_id)
    scene.staff.admin.tell(f"/v1/dead-letters/{letter['letterId']}/replay")
    scene.until_all_is_done(order_id)
    return order_id


STORIES = (
    Story(
        "Everything arrives",
        "Two products lie in two warehouses, so the order travels as two parcels. At `confirmed` the pieces "
        "are reserved and the whole amount is held on the card; each parcel that leaves takes its pieces off "
        "the books and its part of the money.",
        delivered,
        "delivered",
    ),
    Story(
        "There is too little",
        "Two teapots are wanted, and one is there. What was reserved of the tea is released; the card is "
        "never touched.",
        too_little,
        "rejected",
    ),
    Story("Nobody sells this", "Neither stock nor money moves.", unknown, "rejected"),
    Story(
        "The card is declined",
        "The pieces were reserved already and are released; a payment that may have been begun is made impossible.",
        declined,
        "rejected",
    ),
    Story(
        "The risk is too high",
        "The tenant ships nothing to that country (`risk.rejectCountries`). The reservation, made side by "
        "side with the assessment, is released.",
        risky,
        "rejected",
    ),
    Story(
        "An approver says yes",
        "The total is over the tenant's threshold (`approvalOverMinor`). The pieces stay reserved while a "
        "person decides; money is held after the approval, not before.",
        approved,
        "delivered",
    ),
    Story("An approver says no", "The pieces are released; no money was held.", denied, "rejected"),
    Story(
        "The customer takes what there is",
        "The tenant asks its customers (`whenShort: ask`). Three of each are wanted, and there is one teapot: "
        "it and the tea are held until the customer answers, and the total is that of what is sent.",
        accepted,
        "delivered",
    ),
    Story(
        "The customer wants less",
        "The same shortage; the customer keeps two packets of tea and no teapot. What is not wanted is free at once.",
        amended,
        "delivered",
    ),
    Story(
        "Cancelled while an approver is awaited",
        "The pieces are released; no money was held.",
        cancelled_waiting,
        "cancelled",
    ),
    Story(
        "Cancelled after confirmation",
        "Order and parcels are cancelled in one transaction, which a parcel that leaves in the same moment "
        "would win (the timeline then says `cancel_refused`). The money is let go, the pieces are released.",
        cancelled_confirmed,
        "cancelled",
    ),
    Story(
        "One of two parcels is lost",
        "The customer gets back what the lost parcel cost. Its pieces are gone from the books, as they are "
        "from the shelf.",
        lost,
        "delivered",
    ),
    Story(
        "Everything is lost",
        "The customer gets everything back. The order is `failed` and needs a person: there is a dead letter for it.",
        all_lost,
        "failed",
    ),
    Story(
        "Everything comes back",
        "Each return claims its pieces when it is announced. When they arrive, the customer gets their price, "
        "and they can be sold again.",
        sent_back,
        "returned",
    ),
    Story(
        "A return is refused",
        "No money goes back, no stock comes in; the pieces could be announced once more.",
        return_refused,
        "delivered",
    ),
    Story(
        "Money cannot be let go, until a person asks again",
        "The provider is down while a cancelled order is undone. The stock is released all the same; the step "
        "that keeps failing becomes a dead letter, and the order needs attention. An admin replays the "
        "letter, and the saga goes on where it stopped.",
        replayed,
        "cancelled",
    ),
)
