"""The part that `propagate_address` and `erase_user` share: one activity for every order of a user.

The orders are found through a view, which the change feed writes a moment after the order. So the view is swept twice,
a minute apart; and the change feed, once it has written the row of an order, looks at its user and starts a run for
that order alone if one is due. An order cannot be missed by both: the user is written before the sweep reads the view,
and the row is written before the feed reads the user, so whichever read comes last sees what the other side has
written.

Each run of the orchestrator does one page and continues as new, so that no history grows with the number of orders.
Orders that cannot be done yet, or failed, are tried again every hour; nothing is given up.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from domain import names
from domain.shapes import JsonObject
from orchestrators.saga import Saga, Steps, settled

SWEEPS = 2
AT_ONCE = 8
MOST_LEFT = 500
"""Of more orders than that no list is kept: the view is swept once more."""

BETWEEN_SWEEPS_S = 60
BETWEEN_ATTEMPTS_S = 3600


class Progress(NamedTuple):
    """Sweeps that are not over, where the present one is, what is left over, and how many orders are done."""

    sweeps: int = SWEEPS
    before: str | None = None
    left: tuple[str, ...] = ()
    done: int = 0

    @classmethod
    def of(cls, given: JsonObject) -> Progress:
        """What the run before has noted in the input of this one."""
        told = given.get("progress") or {}
        return cls(**{**told, "left": tuple(told.get("left", ()))})


def each_order(
    saga: Saga, activity: str, statuses: Collection[str], *, done: str, not_yet: str | None = None
) -> Steps[JsonObject | None]:
    """Run the activity for the next page of orders; the output when all are done, None when the run continues as new.

    An order is counted when the outcome is `done`, and tried again when it is `not_yet` or the activity failed.
    """
    progress = Progress.of(saga.context.get_input())
    order_ids, following = yield from _next_page(saga, progress, statuses)
    outcomes = yield from _run(saga, activity, order_ids)
    left = tuple(order_id for order_id, outcome in outcomes.items() if outcome in (None, not_yet))
    count = progress.done + sum(outcome == done for outcome in outcomes.values())
    if following:
        _continue(saga, progress._replace(before=following, left=progress.left + left, done=count))
        return None
    left = progress.left + left if progress.sweeps else left
    sweeps = max(progress.sweeps - 1, 0)
    if not sweeps and not left:
        saga.stage("done", orders=count)
        return {"orders": count}
    saga.stage("waiting", orders=count, left=len(left))
    yield saga.pause(BETWEEN_SWEEPS_S if sweeps else BETWEEN_ATTEMPTS_S)
    sweep_again = sweeps or len(left) > MOST_LEFT
    _continue(saga, Progress(max(sweeps, 1), done=count) if sweep_again else Progress(0, left=left, done=count))
    return None


def _next_page(saga: Saga, progress: Progress, statuses: Collection[str]) -> Steps[tuple[list[str], str | None]]:
    """The orders of the present run, and after which one the next page begins."""
    if not progress.sweeps:
        return list(progress.left), None
    found = yield from saga.insist(names.FIND_USER_ORDERS, statuses=sorted(statuses), before=progress.before)
    return found["order_ids"], found["next"]


def _run(saga: Saga, activity: str, order_ids: list[str]) -> Steps[dict[str, str | None]]:
    """The outcome for each order, None when the activity kept failing."""
    outcomes: dict[str, str | None] = {}
    for first in range(0, len(order_ids), AT_ONCE):
        batch = order_ids[first : first + AT_ONCE]
        tasks = [saga.step(activity, order_id=order_id) for order_id in batch]
        yield from settled(saga.context.task_all(tasks))
        for order_id, task in zip(batch, tasks, strict=True):
            outcomes[order_id] = yield from _outcome(task)
    return outcomes


def _outcome(task: Any) -> Steps[str | None]:
    try:
        result = yield task
    except Exception:  # noqa: BLE001  # the SDK raises plain Exception for a failed activity
        return None
    return str(result["outcome"])


def _continue(saga: Saga, progress: Progress) -> None:
    given: JsonObject = saga.context.get_input()
    saga.context.continue_as_new({**given, "progress": {**progress._asdict(), "left": list(progress.left)}})
