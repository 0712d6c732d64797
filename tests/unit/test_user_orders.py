"""One activity for every order of a user: pages, at most eight at once, twice over, and until nothing is left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.unit.sagas import DOWN, Run, play

Play = Callable[..., Run]

ABOUT = {"tenant_id": "acme", "user_id": "c-17", "correlation_id": "corr-1"}


@pytest.fixture
def propagate(task_hub: Any) -> Play:
    return lambda **answers: play(task_hub, "propagate_address", ABOUT, "address:acme:c-17:v1", **answers)


@pytest.fixture
def erase(task_hub: Any) -> Play:
    return lambda **answers: play(task_hub, "erase_user", ABOUT, "erase:acme:c-17", **answers)


def orders_of(run: Run, activity: str) -> list[str]:
    return [payload["order_id"] for name, payload in run.steps if name == activity]


def pages(*sizes: int) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A view with so many orders on each page."""
    ids = [[f"o-{page}-{number:03d}" for number in range(size)] for page, size in enumerate(sizes)]

    def find(step: dict[str, Any]) -> dict[str, Any]:
        number = next((n for n, page in enumerate(ids, start=1) if page[-1] == step["before"]), 0)
        following = ids[number][-1] if number + 1 < len(ids) else None
        return {"outcome": "found", "order_ids": ids[number], "next": following}

    return find


def test_every_order_is_changed_and_the_view_is_swept_again_a_minute_later(propagate: Play) -> None:
    run = propagate(change_address=once_per_order("changed", "unchanged"))

    assert run.end() == {"orders": 2}
    assert orders_of(run, "change_address") == ["o-2", "o-1", "o-2", "o-1"]
    assert 60 <= run.attempts("find_user_orders")[1] <= 70
    assert set(run.payload("find_user_orders")["statuses"]) == {
        "pending", "reserved", "awaiting_approval", "confirmed", "partially_shipped",
    }  # fmt: skip


def test_page_follows_page_in_a_history_that_does_not_grow(propagate: Play) -> None:
    run = propagate(find_user_orders=pages(10, 10, 1))

    assert run.end() == {"orders": 2 * 21}
    found = orders_of(run, "change_address")
    assert len(found) == 2 * 21
    assert found[:21] == sorted(found[:21])
    assert len(run.instance.history) < 30


def test_at_most_eight_orders_at_once(propagate: Play) -> None:
    run = propagate(find_user_orders=pages(20))
    run.end()

    begun = [call.at for call in run.hub.calls("change_address")][:20]
    assert [begun.count(moment) for moment in sorted(set(begun))] == [8, 8, 4]


def test_user_without_orders_is_done_after_the_second_look(propagate: Play) -> None:
    run = propagate(find_user_orders={"outcome": "found", "order_ids": [], "next": None})

    assert run.end() == {"orders": 0}


def test_order_that_fails_keeps_no_other_from_it_and_is_tried_again_every_hour(propagate: Play) -> None:
    failures: Iterator[int] = iter(range(15))  # two sweeps and one more attempt, five times each

    def change(step: dict[str, Any]) -> Any:
        return DOWN if step["order_id"] == "o-2" and next(failures, None) is not None else {"outcome": "changed"}

    run = propagate(change_address=change)

    assert run.end() == {"orders": 3}
    assert run.hub.calls("change_address")[0].error
    assert orders_of(run, "change_address").count("o-1") == 2
    assert orders_of(run, "change_address").count("o-2") == 16


def test_erasure_waits_for_orders_that_are_under_way(erase: Play) -> None:
    asked: list[str] = []

    def answer(step: dict[str, Any]) -> dict[str, str]:
        asked.append(step["order_id"])
        return {"outcome": "erased" if step["order_id"] == "o-1" or asked.count("o-2") > 4 else "under_way"}

    run = erase(erase_order=answer)
    assert run.instance.custom_status == {"stage": "waiting", "orders": 2, "left": 1}
    begun = run.hub.now

    assert run.end() == {"orders": 3}
    assert (asked.count("o-1"), asked.count("o-2")) == (2, 5)
    assert (run.hub.now - begun).total_seconds() > 2 * 3600
    assert "delivered" in run.payload("find_user_orders")["statuses"]


def test_more_orders_than_a_list_should_hold_are_looked_up_again(erase: Play) -> None:
    seen: dict[str, int] = {}

    def answer(step: dict[str, Any]) -> dict[str, str]:
        seen[step["order_id"]] = seen.get(step["order_id"], 0) + 1
        return {"outcome": "erased" if seen[step["order_id"]] > 2 else "under_way"}

    run = erase(find_user_orders=pages(90, 90, 90, 90, 90, 51), erase_order=answer)

    assert run.end() == {"orders": 501}
    assert len(run.hub.calls("find_user_orders")) == 3 * 6


def test_run_for_one_order_looks_at_no_other(task_hub: Any) -> None:
    given = {**ABOUT, "progress": {"sweeps": 0, "left": ["o-7"]}}
    answers = iter(["under_way", "erased"])
    run = play(task_hub, "erase_user", given, "erase:acme:c-17:o-7", erase_order=lambda _: {"outcome": next(answers)})

    assert run.end() == {"orders": 1}
    assert (orders_of(run, "erase_order"), run.hub.calls("find_user_orders")) == (["o-7", "o-7"], [])


def test_crash_in_the_middle_goes_on_where_it_was(erase: Play, task_hub: Any) -> None:
    run = erase(find_user_orders=pages(3, 2))
    run.hub.crash()

    assert run.end() == {"orders": 2 * 5}


def once_per_order(first: str, later: str) -> Callable[[dict[str, Any]], dict[str, str]]:
    seen: set[str] = set()

    def answer(step: dict[str, Any]) -> dict[str, str]:
        outcome = later if step["order_id"] in seen else first
        seen.add(step["order_id"])
        return {"outcome": outcome}

    return answer
