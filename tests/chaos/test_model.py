"""Random interleavings of everything that people, time and crashes can do to several orders, against a simple model.

The model knows what people were told: which orders stand, what each has of each SKU, and what has come in. After every
step the books must agree with it; at the end every order is brought to its end, and every invariant must hold.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from adapters import orders
from adapters.cosmos import Versioned
from domain.names import ORDER_ACTIVITIES, ORDER_ORCHESTRATORS, fulfil_instance_id, return_instance_id
from domain.orders import CANCELLABLE, Order, OrderStatus
from tests.chaos.invariants import ENDED
from tests.chaos.telling import IS_WHOLE, Prove
from tests.chaos.world import PRICES, World
from tests.services import Services

CARDS = ("pm_card_visa", "pm_card_visa", "pm_card_singleCapture", "pm_card_visa_chargeDeclined")
LIMIT_MINOR = 5000
MOMENTS = ("before", "after", "before_commit", "after_commit")
MOST_ORDERS = 4
BUDGET = settings(
    max_examples=60 if IS_WHOLE else 5,
    stateful_step_count=40,
    deadline=None,
    derandomize=not IS_WHOLE,
    print_blob=True,
    phases=(Phase.generate,),  # each example takes seconds, and shrinking takes hundreds of them
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)

UNDER_WAY = (OrderStatus.CONFIRMED, OrderStatus.PARTIALLY_SHIPPED, OrderStatus.SHIPPED)
HAVE_ARRIVED = (OrderStatus.DELIVERED, OrderStatus.PARTIALLY_RETURNED)

skus = st.sampled_from(sorted(PRICES))
which = st.integers(0, MOST_ORDERS - 1)


@dataclass
class Expected:
    """What the model knows of an order."""

    order_id: str
    card: str
    lines: dict[str, int]
    cancelled: bool = False
    approved: bool | None = None
    shipped: set[int] = field(default_factory=set)
    returns: list[str] = field(default_factory=list)


class Orders(RuleBasedStateMachine):
    """Orders of one tenant, whose settings are drawn."""

    services: Services
    prove: Prove

    @initialize(
        tea=st.integers(0, 12),
        mug=st.integers(0, 12),
        when_short=st.sampled_from(["reject", "ask"]),
    )
    def open_shop(self, tea: int, mug: int, when_short: str) -> None:
        on_hand = {"TEA": tea, "MUG": mug}
        self.world = World(self.services, on_hand, when_short=when_short, approval_over_minor=LIMIT_MINOR)
        self.orders: list[Expected] = []
        self.in_the_others_mind: dict[tuple[str, str], Versioned[Order]] = {}

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            self.bring_to_an_end()
        finally:
            self.world.close()

    def chosen(self, number: int, *statuses: str) -> Expected | None:
        """One of the orders in these statuses; when there is none, any: people err, too."""
        fit = [order for order in self.orders if self.world.order(order.order_id).status in statuses]
        candidates = fit or self.orders
        return candidates[number % len(candidates)] if candidates else None

    # What people do

    @precondition(lambda self: len(self.orders) < MOST_ORDERS)
    @rule(lines=st.dictionaries(skus, st.integers(1, 5), min_size=1), card=st.sampled_from(CARDS))
    def place(self, lines: dict[str, int], card: str) -> None:
        self.orders.append(Expected(self.world.place(lines, card), card, lines))

    @precondition(lambda self: not self.orders)
    @rule(pieces=st.integers(1, 4), sku=skus)
    def place_many_at_once(self, pieces: int, sku: str) -> None:
        with self.world.hub.together():
            for _ in range(MOST_ORDERS):
                self.place({sku: pieces}, "pm_card_visa")

    @rule(number=which, are_sure=st.sampled_from([False, False, False, True]))
    def cancel(self, number: int, are_sure: bool) -> None:
        if are_sure and (order := self.chosen(number, *CANCELLABLE)):
            order.cancelled |= self.world.cancel(order.order_id) == 202

    @rule(number=which, approved=st.booleans())
    def decide(self, number: int, approved: bool) -> None:
        order = self.chosen(number, OrderStatus.AWAITING_APPROVAL)
        if order and self.world.decide(order.order_id, approved=approved) == 202 and order.approved is None:
            order.approved = approved

    @rule(number=which, decision=st.sampled_from(["accept", "cancel"]))
    def answer_shortage(self, number: int, decision: str) -> None:
        if order := self.chosen(number, OrderStatus.PENDING):
            taken = self.world.answer_shortage(order.order_id, decision) == 202
            order.cancelled |= taken and decision == "cancel"

    @rule(number=which, parcel=st.integers(1, 2), status=st.sampled_from(["shipped", "delivered", "delivered", "lost"]))
    def report(self, number: int, parcel: int, status: str) -> None:
        if order := self.chosen(number, *UNDER_WAY):
            self.report_parcel(order, parcel, status)

    def report_parcel(self, order: Expected, parcel: int, status: str) -> None:
        if self.world.report(order.order_id, parcel, status) == 202:
            order.shipped.add(parcel)

    @rule(number=which)
    def deliver(self, number: int) -> None:
        if order := self.chosen(number, *UNDER_WAY):
            self.carry_what_is_left(order)

    @rule(number=which, sku=skus, pieces=st.integers(1, 3), then=st.sampled_from([None, "received", "refused"]))
    def send_back(self, number: int, sku: str, pieces: int, then: str | None) -> None:
        order = self.chosen(number, *HAVE_ARRIVED)
        if order and (return_id := self.world.send_back(order.order_id, {sku: pieces})):
            order.returns.append(return_id)
            if then:
                self.world.report_return(return_id, then)

    @rule(number=which, status=st.sampled_from(["received", "refused"]))
    def report_return(self, number: int, status: str) -> None:
        if (order := self.chosen(number, *HAVE_ARRIVED)) and order.returns:
            self.world.report_return(order.returns[number % len(order.returns)], status)

    @rule(sku=skus, delta=st.integers(-3, 5).filter(bool))
    def adjust(self, sku: str, delta: int) -> None:
        free = self.world.shelves()[sku].stock.free
        assert self.world.adjust(sku, delta) is (free + delta >= 0)

    # What happens by itself

    @rule(minutes=st.sampled_from([1, 1, 1, 60, 25 * 60, 8 * 24 * 60]))
    def let_time_pass(self, minutes: int) -> None:
        self.world.hub.advance(minutes=minutes)

    @rule()
    def sweep_reservations(self) -> None:
        self.world.hub.trigger("release_expired_reservations")

    @rule()
    def crash(self) -> None:
        self.world.hub.crash()

    @rule()
    def let_the_other_host_go_on(self) -> None:
        """Two hosts share the work, and neither knows what the other has stored since it was here last."""
        here = dict(orders._in_mind)
        orders._in_mind.clear()
        orders._in_mind.update(self.in_the_others_mind)
        self.in_the_others_mind = here

    @rule(function=st.sampled_from((*ORDER_ACTIVITIES, *ORDER_ORCHESTRATORS)), when=st.sampled_from(MOMENTS))
    def crash_at_the_next(self, function: str, when: str) -> None:
        self.world.hub.on(function).crash(when)

    @rule(function=st.sampled_from(ORDER_ACTIVITIES))
    def lose_the_next_answer(self, function: str) -> None:
        self.world.hub.on(function).fail(TimeoutError("no answer"), when="after")

    # What must hold after every step

    @invariant()
    def nothing_is_sold_twice(self) -> None:
        if hasattr(self, "world"):
            for shelf in self.world.shelves().values():
                assert 0 <= shelf.stock.reserved <= shelf.stock.on_hand
                assert shelf.stock.reserved == sum(held.quantity for held in shelf.reservations)

    # The end

    def bring_to_an_end(self) -> None:
        """Everything that was begun is ended; then the books must balance, and agree with the model."""
        world = self.world
        world.hub.calm()
        world.hub.advance(hours=50)  # nobody answers any more: approvals and shortages time out
        for expected in self.orders:
            self.carry_what_is_left(expected)
            world.until_ended(fulfil_instance_id(world.tenant_id, expected.order_id))
            for return_id in expected.returns:
                world.hub.instance(return_instance_id(world.tenant_id, expected.order_id, return_id)).wait()
            self.agrees(expected, world.order(expected.order_id))
        self.prove(world, "random interleavings")

    def carry_what_is_left(self, expected: Expected) -> None:
        for status in ("shipped", "delivered"):
            for parcel in self.world.dossier(expected.order_id).shipments:
                if parcel.status in ("booked", "shipped"):
                    self.report_parcel(expected, int(parcel.shipment_id[-1]), status)
        self.world.hub.advance(minutes=30)

    def agrees(self, expected: Expected, order: Order) -> None:
        """The end of an order is one that follows from what was done to it."""
        assert order.status in ENDED
        if order.status == "cancelled":
            assert expected.cancelled
        if order.status == "rejected" and order.reason == "payment_declined":
            assert expected.card.endswith("chargeDeclined")
        if order.reason == "approval_denied":
            assert expected.approved is False
        if order.status in ("delivered", "partially_returned", "returned"):
            assert not expected.card.endswith("chargeDeclined")
            assert expected.shipped or not expected.cancelled
            pieces = Counter[str]()
            for line in order.lines:
                pieces[line.sku] += line.quantity
            assert all(pieces[sku] <= wanted for sku, wanted in expected.lines.items())
            if (order.total_minor or 0) > LIMIT_MINOR:
                assert expected.approved


def test_random_interleavings(local_services: Services, prove: Prove) -> None:
    class Here(Orders):
        services = local_services

    Here.prove = staticmethod(prove)

    run_state_machine_as_test(Here, settings=BUDGET)


@pytest.mark.parametrize("pieces", [1, 2])
def test_many_orders_at_once_never_oversell(pieces: int, local_services: Services) -> None:
    world = World(local_services, {"TEA": 5, "MUG": 3})
    try:
        with world.hub.together():
            for _ in range(8):
                world.place({"TEA": pieces, "MUG": 1})
        world.hub.advance(minutes=1)
        confirmed = [each for each in world.order_ids if world.order(each).status == "confirmed"]
        assert len(confirmed) <= min(5 // pieces, 3)
        shelves = world.shelves()
        assert shelves["TEA"].stock.reserved == pieces * len(confirmed)
        assert shelves["MUG"].stock.reserved == len(confirmed)
    finally:
        world.close()
