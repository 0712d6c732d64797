"""The stories of a user, for the crash matrix. Of the functions only those that are about users are troubled: what
happens to orders here is troubled in their own stories.
"""

from __future__ import annotations

from collections.abc import Callable

from localazure.testing import Orchestration

from tests.chaos.stories import LEAVING, SHIPPING, TEA, TEA_AND_MUG, TWO, Story, carry, finish
from tests.chaos.user_world import CUSTOMER, NEXT_HOME, UserWorld

JOINING = ("register_user", "store_user", "send_mail", "record_verification")
MOVING = ("propagate_address", "find_user_orders", "change_address")
FORGETTING = ("erase_user", "find_user_orders", "erase_order")
ORDERING = (*SHIPPING, *LEAVING, "publish_outcome")
RETURNING = ("return_order", "record_return")


def all_ended(world: UserWorld, find: Callable[[], list[Orchestration]]) -> None:
    """Wait for the end of the workflows that are found; of each that the feed starts meanwhile too."""
    world.feed()
    for instance in find():
        world.until_ended(instance.id)


def join(world: UserWorld) -> None:
    """Register, and tell the code that comes by mail."""
    assert world.register() in {201, 202}
    world.until(world.codes, "the welcome")
    world.until(lambda: world.verify() == 204, "the end of the verification")
    all_ended(world, world.registrations)


def joined(world: UserWorld) -> None:
    join(world)
    assert [each.output for each in world.registrations()] == [{"status": "verified"}]


def joined_too_late(world: UserWorld) -> None:
    world.register()
    world.until(world.codes, "the welcome")
    world.hub.advance(hours=24, minutes=1)
    all_ended(world, world.registrations)
    assert [user.status for user in world.users()] == ["expired"]
    assert world.verify() == 409


def joined_under_anothers_email(world: UserWorld) -> None:
    join(world)
    world.register("c-18", email_of=CUSTOMER)
    all_ended(world, lambda: world.registrations("c-18"))
    assert [each.output["status"] for each in world.registrations("c-18")] == ["refused"]
    assert world.user("c-18") is None


def two_orders(world: UserWorld) -> tuple[str, str]:
    """One that has been delivered, and one of two parcels of which one has left."""
    gone, going = world.place(TEA), world.place(TEA_AND_MUG)
    carry(world, gone, 1)
    finish(world, gone)
    world.until_parcel(going, 1, "booked")
    world.report(going, 1, "shipped")
    world.until_parcel(going, 1, "shipped")
    world.until_parcel(going, 2, "booked")
    world.feed()
    return gone, going


def arrive(world: UserWorld, order_id: str) -> None:
    for number in (1, 2):
        carry(world, order_id, number)
    finish(world, order_id)


def moved(world: UserWorld) -> None:
    world.register()
    world.until(world.user, "the user")
    _, going = two_orders(world)
    world.move()
    all_ended(world, world.propagations)
    arrive(world, going)
    all_ended(world, world.registrations)


def moved_twice(world: UserWorld) -> None:
    world.register()
    world.until(world.user, "the user")
    order_id = world.place(TEA)
    world.until_parcel(order_id, 1, "booked")
    world.feed()
    world.move()
    world.move(NEXT_HOME)
    all_ended(world, world.propagations)
    carry(world, order_id, 1)
    finish(world, order_id)
    all_ended(world, world.registrations)


def forgotten(world: UserWorld) -> None:
    join(world)
    gone, going = two_orders(world)
    return_id = world.send_back(gone, TEA)
    assert return_id
    world.report_return(return_id, "refused")
    world.ask_to_be_forgotten()
    arrive(world, going)
    all_ended(world, world.erasures)


def forgotten_while_joining(world: UserWorld) -> None:
    world.register()
    world.until(world.user, "the user")
    world.ask_to_be_forgotten()
    all_ended(world, world.registrations)
    all_ended(world, world.erasures)


def forgotten_without_having_joined(world: UserWorld) -> None:
    order_id = world.place(TEA)
    carry(world, order_id, 1)
    finish(world, order_id)
    world.feed()
    world.ask_to_be_forgotten()
    all_ended(world, world.erasures)


def _story(
    name: str, play: Callable[[UserWorld], None], functions: tuple[str, ...], own: tuple[str, ...] = ()
) -> Story:
    return Story(name, play, None, functions, stock=TWO, own=own, world=UserWorld)  # type: ignore[arg-type]  # its own world


USER_STORIES = (
    _story("joined", joined, JOINING),
    _story("joined too late", joined_too_late, JOINING, own=("register_user", "record_verification")),
    _story("joined under another's e-mail", joined_under_anothers_email, JOINING, own=("register_user", "store_user")),
    _story("moved", moved, (*JOINING, *MOVING, *ORDERING), own=MOVING),
    _story("moved twice", moved_twice, (*JOINING, *MOVING, *ORDERING), own=MOVING),
    _story("forgotten", forgotten, (*JOINING, *FORGETTING, *ORDERING, *RETURNING), own=FORGETTING),
    _story(
        "forgotten while joining",
        forgotten_while_joining,
        (*JOINING, "erase_user", "find_user_orders"),
        own=JOINING,
    ),
    _story(
        "forgotten without having joined",
        forgotten_without_having_joined,
        (*FORGETTING, *ORDERING),
        own=("erase_user", "erase_order"),
    ),
)
