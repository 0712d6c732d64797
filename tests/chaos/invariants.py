"""What must hold of every order at its end, whatever happened on the way. Each is checked against what is stored.

The functions know the design, not the code: they add up documents and the provider's ledger by themselves.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from domain.names import fulfil_instance_id
from domain.orders import STATUS_CHANGED, TRANSITIONS, LineStatus, OrderStatus
from tests.chaos.world import Dossier, Shelf, World

S = OrderStatus
CALLED_OFF = frozenset({S.REJECTED, S.CANCELLED, S.FAILED})
ENDED = CALLED_OFF | {S.DELIVERED, S.PARTIALLY_RETURNED, S.RETURNED}
LEFT = frozenset({LineStatus.SHIPPED, LineStatus.DELIVERED, LineStatus.LOST, LineStatus.RETURNED})
KEPT = frozenset({LineStatus.DELIVERED, LineStatus.RETURNED})
BESIDE_VERSIONS = frozenset({"confirmation_sent"})
"""Events that change nothing of the order, and so lead to no version of it."""


@dataclass
class Findings:
    """What is stored of a world, read once."""

    world: World
    orders: list[Dossier]
    shelves: Mapping[str, Shelf]

    @classmethod
    def of(cls, world: World) -> Findings:
        return cls(world, [world.dossier(order_id) for order_id in world.order_ids], world.shelves())


def charged_at_most_once(found: Findings) -> None:
    """The provider never agreed to more than the order's total, by one payment; our books say what its ledger says."""
    for each in found.orders:
        ledger, order = each.ledger, each.order
        assert ledger.get("intents", 0) <= 1
        assert ledger.get("authorised", 0) in {0, order.total_minor}
        assert ledger.get("captured", 0) == order.payment.captured_minor
        assert ledger.get("refunded", 0) == order.payment.refunded_minor


def kept_only_for_what_arrived(found: Findings) -> None:
    """Of an order at its end nothing is held any more, and what is kept is the price of what was delivered and kept."""
    for each in found.orders:
        ledger = Counter(each.ledger)
        if each.order.status in ENDED:
            assert ledger["authorised"] - ledger["captured"] - ledger["voided"] == 0, "money is still held"
            assert ledger["captured"] - ledger["refunded"] == _price_of_what_was_kept(each)


def stock_is_conserved(found: Findings) -> None:
    """What came in is on hand or has left; reserved is what open reservations say; ended orders hold nothing."""
    status = {each.order.order_id: each.order.status for each in found.orders}
    left = Counter[str]()
    for each in found.orders:
        left.update(_pieces_gone(each))
    for sku, shelf in found.shelves.items():
        on_shelf = shelf.stock
        assert on_shelf.on_hand + left[sku] == found.world.on_hand[sku], f"{sku} leaked"
        assert on_shelf.reserved == sum(held.quantity for held in shelf.reservations)
        assert 0 <= on_shelf.reserved <= on_shelf.on_hand
        assert [held.order_id for held in shelf.reservations if status[held.order_id] in ENDED] == []


def ended_once(found: Findings) -> None:
    """One final state, told to other systems under one id, and no parcel or return left open."""
    for each in found.orders:
        order = each.order
        assert order.status in ENDED
        called_off = {event.name for event in each.events if event.type == STATUS_CHANGED} & CALLED_OFF
        assert called_off <= {order.status}
        told = [out.value for out in found.world.hub.outputs if order.order_id in str(out.value)]
        assert told, "nobody was told"
        assert {each.status for each in each.shipments} <= {"delivered", "lost", "cancelled"}
        assert {each.status for each in each.returns} <= {"received", "refused", "expired"}


def timeline_is_complete(found: Findings) -> None:
    """Versions 1 to n, without gap or double; only legal moves; and it ends where the order stands."""
    for each in found.orders:
        events = sorted((event for event in each.events if event.type not in BESIDE_VERSIONS), key=lambda e: e.version)
        versions = {event.version: event.name for event in events}
        assert list(versions) == list(range(1, each.order.version + 1)), versions
        assert len(versions) == len(events), [(event.version, event.name) for event in events]
        statuses = [event.status for event in events]
        assert statuses[0] is S.PENDING
        assert all(after is before or after in TRANSITIONS[before] for before, after in pairwise(statuses))
        assert statuses[-1] is each.order.status
        assert len({event.name for event in each.events}) == len(each.events)


def attention_has_a_dead_letter(found: Findings) -> None:
    """Whoever is called finds a dead letter that says what for."""
    letters = {letter.order_id for letter in found.world.letters()}
    wanted = {each.order.order_id for each in found.orders if each.order.needs_attention}
    assert wanted <= letters


def nothing_is_stranded(found: Findings) -> None:
    """Every instance has ended, parents and children, and no request met a defect."""
    assert {instance.id: instance.runtime_status for instance in found.world.instances()}.items() >= {
        (fulfil_instance_id(found.world.tenant_id, order_id), "Completed") for order_id in found.world.order_ids
    }
    assert [
        instance.waits_for() for instance in found.world.instances() if instance.runtime_status != "Completed"
    ] == []
    assert found.world.defects == []


INVARIANTS: tuple[Callable[[Findings], None], ...] = (
    charged_at_most_once,
    kept_only_for_what_arrived,
    stock_is_conserved,
    ended_once,
    timeline_is_complete,
    attention_has_a_dead_letter,
    nothing_is_stranded,
)


def _price_of_what_was_kept(each: Dossier) -> int:
    return sum(
        (line.quantity - line.returned_quantity) * (line.unit_amount_minor or 0)
        for line in each.order.lines
        if line.status in KEPT
    )


def _pieces_gone(each: Dossier) -> Counter[str]:
    gone = Counter[str]()
    for line in each.order.lines:
        if line.status in LEFT:
            gone[line.sku] += line.quantity - line.returned_quantity
    return gone
