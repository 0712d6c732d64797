"""What every saga needs: steps with retries, parallel steps that all settle, a stack of compensations, an ending.

Pure decisions: nothing here reads a clock, the environment or the network, so replaying it over a recorded history
always takes the same path. Payloads are plain JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Generator
from datetime import timedelta
from typing import Any, NamedTuple, TypeVar

import azure.durable_functions as df

from domain import names
from domain.orders import OrderStatus, Reason
from domain.shapes import JsonObject

T = TypeVar("T")
Steps = Generator[Any, Any, T]
"""A part of an orchestrator that yields tasks and ends with a T."""

UNKNOWN_ACTOR = "unknown"

_FAILED_ACTIVITY = re.compile(r"Activity function '(\w+)' failed")

RETRY = df.RetryOptions(first_retry_interval_in_milliseconds=2000, max_number_of_attempts=5)
PATIENCE = df.RetryOptions(first_retry_interval_in_milliseconds=30_000, max_number_of_attempts=2880)
"""For what must happen all the same: twice a minute, for a day."""


LONGEST_TIMER = timedelta(days=5)
"""The SDK splits timers of more than six days into legs, and cannot cancel those."""


class Ending(NamedTuple):
    """How an order ends: the status to record, why, and on whose word; or `confirmed`, with the parcels to send."""

    status: OrderStatus
    reason: Reason | None = None
    detail: str | None = None
    actor: str = names.FULFIL_ORDER
    shipment_ids: tuple[str, ...] = ()


class CalledOff(Exception):
    """The order cannot go on: undo what was done, then record this ending."""

    def __init__(self, ending: Ending) -> None:
        super().__init__(ending.detail or ending.status)
        self.ending = ending


def rejected(reason: Reason, detail: str, actor: str = names.FULFIL_ORDER) -> CalledOff:
    """The order cannot be fulfilled, which is nobody's fault."""
    return CalledOff(Ending(OrderStatus.REJECTED, reason, detail, actor))


def failed(fault: Exception) -> Ending:
    """A step kept failing. The SDK gives the failure as text alone; people are told which step it was."""
    named = _FAILED_ACTIVITY.search(str(fault))
    detail = f"{named[1]} kept failing" if named else f"the saga broke: {type(fault).__name__}"
    return Ending(OrderStatus.FAILED, detail=detail)


class Word(NamedTuple):
    """What somebody has told the saga by an external event, and who it was."""

    actor: str
    data: JsonObject

    @classmethod
    def of(cls, event: Any) -> Word:
        """What the event carries. The SDK's client sends JSON text inside JSON, plain HTTP clients do not."""
        data = json.loads(event.result) if isinstance(event.result, str) else event.result
        told = data if isinstance(data, dict) else {}
        return cls(told.get("actor") or UNKNOWN_ACTOR, told)


class Saga:
    """The steps taken for one order. `order` goes into every payload: those named in ABOUT."""

    ABOUT: tuple[str, ...] = ("tenant_id", "order_id", "correlation_id")

    def __init__(self, context: df.DurableOrchestrationContext) -> None:
        self.context = context
        given: JsonObject = context.get_input()
        self.order: JsonObject = {name: given[name] for name in self.ABOUT}
        self._compensations: list[tuple[str, JsonObject]] = []

    @property
    def now(self) -> str:
        """The orchestration's own time, the same in every replay."""
        return str(self.context.current_utc_datetime.isoformat())

    def key_of(self, activity: str) -> str:
        """The idempotency key of an activity's side effect in this instance."""
        return names.idempotency_key(self.context.instance_id, activity)

    def stage(self, stage: str, **facts: Any) -> None:
        """Say in the custom status where the saga stands."""
        self.context.set_custom_status({"stage": stage, **facts})

    def event(self, name: str) -> Any:
        """The task that ends when somebody raises this event; to be yielded, alone or beside others."""
        return self.context.wait_for_external_event(name)

    def pause(self, seconds: float) -> Any:
        """The task that ends after so long; to be yielded."""
        return self.context.create_timer(self.context.current_utc_datetime + timedelta(seconds=seconds))

    def first_within(self, delay: timedelta, *tasks: Any) -> Steps[Any]:
        """The first of these tasks that ends, or None when none has ended after `delay`."""
        due = self.context.current_utc_datetime + delay
        while True:
            next_leg = min(due, self.context.current_utc_datetime + LONGEST_TIMER)
            timer = self.context.create_timer(next_leg)
            winner = yield self.context.task_any([*tasks, timer])
            if winner is not timer:
                timer.cancel()
                return winner
            if next_leg == due:
                return None

    def step(self, activity: str, **payload: Any) -> Any:
        """The task that runs an activity with retries; to be yielded."""
        return self.context.call_activity_with_retry(activity, RETRY, self._told(payload))

    def try_once(self, activity: str, **payload: Any) -> Any:
        """The task that runs an activity without retries; to be yielded."""
        return self.context.call_activity(activity, self._told(payload))

    def insist(self, activity: str, **payload: Any) -> Steps[Any]:
        """Run a step on which nobody may give up, because that would leave the order in limbo: outlive an outage."""
        return (yield from self.insisted(self.step(activity, **payload), activity, **payload))

    def insisted(self, task: Any, activity: str, **payload: Any) -> Steps[Any]:
        """The same for a step that has been begun."""
        try:
            result = yield task
        except Exception:  # noqa: BLE001  # the SDK raises plain Exception for a failed activity
            result = yield self.context.call_activity_with_retry(activity, PATIENCE, self._told(payload))
        return result

    def together(self, tasks: list[Any]) -> Steps[list[Any]]:
        """Run tasks in parallel. A failure is raised only when all have ended: nothing is undone while it is done."""
        try:
            results: list[Any] = yield self.context.task_all(tasks)
        except Exception:
            for task in tasks:
                yield from settled(task)
            raise
        return results

    def undo_with(self, activity: str, **payload: Any) -> None:
        """Push a compensation; call this before the step it undoes, which may take effect and never answer."""
        self._compensations.append((activity, payload))

    def compensate(self) -> Steps[None]:
        """Run the compensations, last one first, each whatever became of the others.

        Those that keep failing are parked as dead letters, and the order needs attention; a person's `replay` runs them
        again, as often as it takes. Ends when everything is undone.
        """
        open_steps, self._compensations = self._compensations[::-1], []
        replays, actor = 0, UNKNOWN_ACTOR
        while open_steps:
            stuck = []
            for activity, payload in open_steps:
                try:
                    yield self.step(activity, **payload)
                except Exception as fault:  # noqa: BLE001  # the SDK raises plain Exception for a failed activity
                    stuck.append((activity, payload, str(fault)))
            for activity, payload, fault_text in stuck:
                yield from self.park(activity, payload, fault_text, awaited=True)
            if stuck:
                replays += 1
                actor = yield from self._replay_of([activity for activity, _, _ in stuck], replays)
            open_steps = [(activity, payload) for activity, payload, _ in stuck]
        if replays:
            settled = {"needs_attention": False, "actor": actor, "detail": "everything is undone"}
            yield from self.insist(names.FLAG_ORDER, **settled, subject=f"compensation:{replays}")

    def attempt(self, activity: str, **payload: Any) -> Steps[None]:
        """Run a step that must not change how the order ends; parked as a dead letter when it keeps failing."""
        yield from self.parked_if_failed(self.step(activity, **payload), activity, **payload)

    def parked_if_failed(self, task: Any, activity: str, **payload: Any) -> Steps[None]:
        """The same for a step that has been begun."""
        try:
            yield task
        except Exception as fault:  # noqa: BLE001  # the SDK raises plain Exception for a failed activity
            yield from self.park(activity, payload, str(fault))

    def park(self, activity: str, payload: JsonObject, fault: str, *, awaited: bool = False) -> Steps[None]:
        """Keep a step that failed for good as a dead letter; `awaited`: this instance goes on when it is replayed."""
        yield from self.insist(
            names.PARK_DEAD_LETTER,
            instance_id=self.context.instance_id,
            step=activity,
            subject=payload.get("sku"),
            payload=self._told(payload),
            fault=fault,
            awaited=awaited,
        )

    def give_up(self, activity: str, payload: JsonObject, fault: str, *, subject: str) -> Steps[None]:
        """Park a step that no repetition helps, and call for a person; the saga goes on without it."""
        yield from self.park(activity, payload, fault)
        yield from self.insist(names.FLAG_ORDER, detail=fault, subject=subject)

    def _replay_of(self, activities: list[str], number: int) -> Steps[str]:
        """Call for a person and wait until one has asked for a replay; returns who it was."""
        detail = f"{', '.join(activities)} kept failing"
        yield from self.insist(names.FLAG_ORDER, detail=detail, subject=f"compensation:{number}")
        self.stage("needs_attention", detail=detail)
        asked = self.event(names.REPLAY)
        yield asked
        self.stage("compensating")
        return Word.of(asked).actor

    def _told(self, payload: JsonObject) -> JsonObject:
        return {**self.order, "at": self.now, **payload}


def settled(task: Any) -> Steps[None]:
    """Wait for the end of a task, whatever it is."""
    try:
        yield task
    except Exception:  # noqa: BLE001  # its failure is, or stands beside, the one that is being raised
        return
