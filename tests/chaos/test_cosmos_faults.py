"""Cosmos DB in trouble: each story with each of its calls throttled, refused, unanswered or cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from localazure.testing.cosmos_faults import Calls, CosmosFaults

from tests.chaos.stories import STORIES, Story
from tests.chaos.telling import IS_WHOLE, MakeWorld, Prove, with_trouble
from tests.chaos.user_stories import USER_STORIES
from tests.services import Services

Strike = Callable[[CosmosFaults, Calls], None]

WRITES = (
    ("orders", "Batch"),
    ("orders", "Create"),
    ("catalog", "Batch"),
    ("catalog", "Patch"),
    ("idempotency", "Create"),
    ("operations", "Create"),
)
READS = (("orders", "Read"), ("catalog", "Read"), ("tenants", "Read"))
FAULTS: dict[str, Strike] = {
    "throttled": lambda faults, calls: faults.throttle(calls),
    "refused": lambda faults, calls: faults.retry_with(calls),
    "unavailable": lambda faults, calls: faults.unavailable(calls),
    "unanswered": lambda faults, calls: faults.time_out(calls),
    "done_and_cut_off": lambda faults, calls: faults.drop(calls, after_write=True),
}
READ_FAULTS = ("refused",)
ON_USERS = (
    ("joined", "idempotency", "Create"),
    ("joined", "idempotency", "Patch"),
    ("joined", "users", "Create"),
    ("joined", "users", "Replace"),
    ("moved twice", "users", "Replace"),
    ("moved twice", "views", "Create"),
    ("moved twice", "views", "Replace"),
    ("forgotten", "orders", "Patch"),
    ("forgotten while joining", "users", "Replace"),
    ("forgotten without having joined", "users", "Create"),
)
CORE = {
    ("joined", "users", "Create", "done_and_cut_off"),
    ("moved twice", "users", "Replace", "done_and_cut_off"),
    ("forgotten", "orders", "Patch", "refused"),
    ("delivered", "orders", "Batch", "done_and_cut_off"),
    ("delivered", "catalog", "Batch", "done_and_cut_off"),
    ("declined", "orders", "Batch", "refused"),
    ("cancelled after confirmation", "catalog", "Batch", "done_and_cut_off"),
    ("returned", "catalog", "Patch", "done_and_cut_off"),
}
NEVER_ANSWERED, MOST = (("delivered", "returned"), 4) if IS_WHOLE else (("delivered",), 2)
"""The SDK gives up only after seconds, so these are few."""
MAIN = {story.name for story in STORIES if not story.own}

COMBINATIONS = [
    *((story, *call, fault) for story in STORIES if story.name in MAIN for call in WRITES for fault in FAULTS),
    *((story, *call, fault) for story in STORIES if story.name in MAIN for call in READS for fault in READ_FAULTS),
    *(
        (story, *call, fault)
        for story in USER_STORIES
        for name, *call in ON_USERS
        if name == story.name
        for fault in FAULTS
    ),
]
CASES = [
    pytest.param(story, container, operation, fault, id=f"{story.id}-{container}-{operation}-{fault}")
    for story, container, operation, fault in COMBINATIONS
    if IS_WHOLE or (story.name, container, operation, fault) in CORE
]


@pytest.fixture
def faults(local_services: Services, hasty_cosmos: None) -> Iterator[CosmosFaults]:
    with CosmosFaults(local_services.endpoints["cosmos"], ca_file=local_services.authority) as made:
        yield made


@pytest.mark.parametrize(("story", "container", "operation", "fault"), CASES)
def test_story_ends_the_same(
    story: Story, container: str, operation: str, fault: str, world: MakeWorld, prove: Prove, faults: CosmosFaults
) -> None:
    number, has_struck = 0, True
    while has_struck:
        number += 1
        told = world(story)
        FAULTS[fault](faults, Calls(operation=operation, container=container, nth=number))
        with_trouble(story, told, prove, f"{fault} at {operation} {number} of {container}")
        has_struck = faults.pending() == []
        faults.clear()


@pytest.mark.parametrize(
    "story", [story for story in STORIES if story.name in NEVER_ANSWERED], ids=lambda story: story.id
)
@pytest.mark.parametrize(("container", "number"), [("orders", 3), ("catalog", 1), ("orders", 2), ("catalog", 2)][:MOST])
def test_write_that_is_done_and_never_answered_is_found_done(
    story: Story, container: str, number: int, world: MakeWorld, prove: Prove, faults: CosmosFaults
) -> None:
    told = world(story)
    faults.drop(Calls(operation="Batch", container=container, nth=number, times=8), after_write=True)
    with_trouble(story, told, prove, f"Batch {number} of {container} never answered")
