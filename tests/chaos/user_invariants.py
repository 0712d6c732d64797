"""What must hold of users at the end, whatever happened on the way, beside what must hold of their orders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from localazure.testing.calls import CallOutcome

from domain.erasure import is_erased
from domain.users import UserStatus
from tests.chaos.invariants import ENDED
from tests.chaos.user_world import CUSTOMER, PERSONAL, UserWorld


def one_user_per_email(world: UserWorld) -> None:
    """Nobody is stored twice, and nobody without a registration, or a wish to be forgotten."""
    users = world.users()
    emails = Counter(user.email for user in users)
    assert set(emails.values()) <= {1}
    assert {user.user_id for user in users} <= {*world.user_ids, CUSTOMER}


def welcomed_as_often_as_it_was_tried(world: UserWorld) -> None:
    """Whoever was stored gets a code: once, and once more for each time that the message was begun anew.

    A function that is delivered twice is one call here.
    """
    for user_id in world.user_ids:
        tries = [
            call
            for instance in world.registrations(user_id)
            for call in instance.calls("send_mail")
            if call.outcome is not CallOutcome.PREVENTED
        ]
        mailed = [call for call in tries if call.result != {"outcome": "superseded"}]
        user = world.user(user_id)
        codes = world.codes(user_id) if user else []
        assert len(set(codes)) == len(codes)
        assert len(codes) <= (len(mailed) + 1 if mailed else 0)
        assert codes or user is None or user.status is UserStatus.ERASED


def registration_has_ended_as_the_user_stands(world: UserWorld) -> None:
    """The workflow says what the user's document says; of those who are erased any end but a refusal is right."""
    for user_id in world.user_ids:
        user = world.user(user_id)
        for instance in world.registrations(user_id):
            status = instance.output["status"]
            if user is None or user.status is UserStatus.ERASED:
                assert (status == "refused") is (user is None)
            else:
                assert status == user.status


def new_address_is_where_it_must_be(world: UserWorld) -> None:
    """On each order and parcel that had not left when the user moved, and on none that had; each change once.

    Of an erased user's orders no address is left to look at.
    """
    user = world.user()
    for each in map(world.dossier, world.order_ids):
        told = [event.subject for event in each.events if event.type == "address_changed"]
        assert len(set(told)) == len(told)
        if user is None or not user.address_version:
            assert told == []
            continue
        if user.status is UserStatus.ERASED:
            continue
        parcels = {parcel.shipment_id: parcel for parcel in each.shipments}
        moved = parcels.keys() - world.left_before_moving
        assert each.order.address_version == (user.address_version if moved else 0)
        assert (each.order.ship_to == user.address) is bool(moved)
        assert {name for name, parcel in parcels.items() if parcel.ship_to == user.address} == moved


def forgotten_everywhere(world: UserWorld) -> None:
    """Nothing personal is left of an erased user: in documents, views, claims, dead letters and histories."""
    user = world.user()
    if user is None or user.status is not UserStatus.ERASED:
        return
    kept = world.everything()
    assert [word for word in PERSONAL if word in kept] == []
    for each in map(world.dossier, world.order_ids):
        assert is_erased(each.order)
        assert each.order.status in ENDED
        assert [event.type for event in each.events].count("personal_data_erased") == 1


def every_order_is_shown(world: UserWorld) -> None:
    """The list through which orders are found misses none and shows none twice."""
    if world.propagations() or world.erasures():
        assert sorted(world.shown()) == sorted(world.order_ids)


USER_INVARIANTS: tuple[Callable[[UserWorld], None], ...] = (
    one_user_per_email,
    welcomed_as_often_as_it_was_tried,
    registration_has_ended_as_the_user_stands,
    new_address_is_where_it_must_be,
    forgotten_everywhere,
    every_order_is_shown,
)
