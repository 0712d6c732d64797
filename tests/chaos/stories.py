"""The stories of an order that the crash matrix tells again and again, each with a different trouble.

A story is what people do, and how everything must have ended whatever went wrong on the way. What the task hub calls
for it is written down, so that the matrix is known before anything runs; a test holds it to what is really called.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.names import fulfil_instance_id, return_instance_id
from tests.chaos.world import World

TEA = {"TEA": 2}
TEA_AND_MUG = {"TEA": 2, "MUG": 1}

PLACING = ("fulfil_order", "price_order")
RESERVING = (*PLACING, "reserve_stock", "assess_risk", "record_transition")
APPROVING = (*RESERVING, "tell_approvers")
CHARGING = (*RESERVING, "circuit_breaker", "authorise_payment")
SHIPPING = (*CHARGING, "send_confirmation", "ship_parcel", "book_shipment")
LEAVING = ("record_shipment", "commit_stock", "capture_payment", "record_movement")
UNDOING = ("release_stock", "publish_outcome")


@dataclass(frozen=True)
class Story:
    """`play` acts, and returns when its people have nothing more to do. `ends` is the order's last status, None where
    it is not the point.

    `functions` are all that are called. `own` are those that do something here that they do in no earlier story: of the
    variants of a story only those are troubled. Left empty, it is all of them.
    """

    name: str
    play: Callable[[Any], None]
    ends: str | None
    functions: tuple[str, ...]
    stock: Mapping[str, int] = field(default_factory=lambda: {"TEA": 5})
    settings: Mapping[str, Any] = field(default_factory=dict)
    own: tuple[str, ...] = ()
    world: type[World] = World

    @property
    def troubled(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.own or self.functions))

    @property
    def id(self) -> str:
        return self.name.replace(" ", "_")


def finish(world: World, order_id: str) -> None:
    """Wait for the end of the order's saga, and of everything below it."""
    world.until_ended(fulfil_instance_id(world.tenant_id, order_id))


def carry(world: World, order_id: str, number: int, end: str = "delivered") -> None:
    """What the carrier does with one parcel, which may have left already."""
    world.until_parcel(order_id, number, "booked", "shipped")
    for status in ("shipped", end):
        world.report(order_id, number, status)
        world.until_parcel(order_id, number, status)


def delivered(world: World) -> None:
    order_id = world.place(TEA)
    carry(world, order_id, 1)
    finish(world, order_id)


def delivered_in_two_parcels(world: World) -> None:
    order_id = world.place(TEA_AND_MUG)
    carry(world, order_id, 1)
    carry(world, order_id, 2)
    finish(world, order_id)


def declined(world: World) -> None:
    finish(world, world.place(TEA, card="pm_card_visa_chargeDeclined"))


def out_of_stock(world: World) -> None:
    finish(world, world.place({"MUG": 1, "TEA": 9}))


def cancelled_before_confirmation(world: World) -> None:
    order_id = world.place(TEA)
    world.until_order(order_id, "awaiting_approval")
    world.cancel(order_id)
    finish(world, order_id)


def cancelled_after_confirmation(world: World) -> None:
    order_id = world.place(TEA)
    world.until_parcel(order_id, 1, "booked")
    world.cancel(order_id)
    finish(world, order_id)


def approved(world: World) -> None:
    order_id = world.place(TEA)
    world.until_order(order_id, "awaiting_approval")
    world.decide(order_id, approved=True)
    carry(world, order_id, 1)
    finish(world, order_id)


def denied(world: World) -> None:
    order_id = world.place(TEA)
    world.until_order(order_id, "awaiting_approval")
    world.decide(order_id, approved=False)
    finish(world, order_id)


def timed_out(world: World) -> None:
    order_id = world.place(TEA)
    world.until_order(order_id, "awaiting_approval")
    world.hub.advance(hours=24)
    finish(world, order_id)


def short_and_accepted(world: World) -> None:
    order_id = world.place({"TEA": 9})
    world.until(lambda: world.order(order_id).shortage, "the question to the customer")
    world.answer_shortage(order_id, "amend", TEA=3)
    carry(world, order_id, 1)
    finish(world, order_id)


def lost(world: World) -> None:
    order_id = world.place(TEA)
    carry(world, order_id, 1, end="lost")
    finish(world, order_id)


def lost_in_part(world: World) -> None:
    order_id = world.place(TEA_AND_MUG)
    carry(world, order_id, 1)
    carry(world, order_id, 2, end="lost")
    finish(world, order_id)


def silent(world: World) -> None:
    order_id = world.place(TEA)
    world.until_parcel(order_id, 1, "booked")
    world.hub.advance(days=7, minutes=10)
    carry(world, order_id, 1)
    finish(world, order_id)


def returned(world: World) -> None:
    order_id = world.place(TEA)
    carry(world, order_id, 1)
    finish(world, order_id)
    for end in ("refused", "received"):
        return_id = world.send_back(order_id, TEA)
        assert return_id
        world.report_return(return_id, end)
        world.until_ended(return_instance_id(world.tenant_id, order_id, return_id))


ASKS_ABOVE_20 = {"approval_over_minor": 2000}
TWO = {"TEA": 5, "MUG": 5}

STORIES = (
    Story("delivered", delivered, "delivered", (*SHIPPING, *LEAVING, "publish_outcome")),
    Story(
        "delivered in two parcels",
        delivered_in_two_parcels,
        "delivered",
        (*SHIPPING, *LEAVING, "publish_outcome"),
        stock=TWO,
        own=("fulfil_order", "book_shipment", *LEAVING, "ship_parcel"),
    ),
    Story("declined", declined, "rejected", (*CHARGING, "void_payment", *UNDOING)),
    Story(
        "out of stock",
        out_of_stock,
        "rejected",
        (*PLACING, "reserve_stock", "assess_risk", *UNDOING, "record_transition"),
        stock=TWO,
        own=("fulfil_order", "reserve_stock", "release_stock"),
    ),
    Story(
        "cancelled before confirmation",
        cancelled_before_confirmation,
        "cancelled",
        (*APPROVING, *UNDOING),
        settings=ASKS_ABOVE_20,
    ),
    Story(
        "cancelled after confirmation",
        cancelled_after_confirmation,
        "cancelled",
        (*SHIPPING, "cancel_shipments", "call_back_parcels", "void_payment", *UNDOING),
    ),
    Story(
        "approved",
        approved,
        "delivered",
        (*SHIPPING, "tell_approvers", *LEAVING, "publish_outcome"),
        settings=ASKS_ABOVE_20,
        own=("fulfil_order", "record_transition"),
    ),
    Story("denied", denied, "rejected", (*APPROVING, *UNDOING), settings=ASKS_ABOVE_20),
    Story("timed out", timed_out, "rejected", (*APPROVING, *UNDOING), settings=ASKS_ABOVE_20),
    Story(
        "short and accepted",
        short_and_accepted,
        "delivered",
        (*SHIPPING, "record_shortage", "trim_reservation", *LEAVING, "publish_outcome"),
        settings={"when_short": "ask"},
        own=("fulfil_order", "reserve_stock", "record_shortage", "trim_reservation"),
    ),
    Story("lost", lost, "failed", (*SHIPPING, *LEAVING, "refund_payment", "publish_outcome", "park_dead_letter")),
    Story(
        "lost in part",
        lost_in_part,
        "delivered",
        (*SHIPPING, *LEAVING, "refund_payment", "publish_outcome"),
        stock=TWO,
        own=("fulfil_order", "ship_parcel", "record_shipment", "refund_payment"),
    ),
    Story(
        "silent",
        silent,
        "delivered",
        (*SHIPPING, "escalate_parcel", *LEAVING, "publish_outcome"),
        own=("ship_parcel", "escalate_parcel"),
    ),
    Story(
        "returned",
        returned,
        "returned",
        (*SHIPPING, *LEAVING, "publish_outcome", "return_order", "refund_payment", "restock", "record_return"),
    ),
)
