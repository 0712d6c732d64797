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
AWAITED = "awaited"
"""Ends the ids of letters of steps that are insisted on: the saga may park the same step without waiting for it."""

_FAILED_ACTIVITY = re.compile(r"Activity function '(\w+)' failed")

RETRY = df.RetryOptions(first_retry_interval_in_milliseconds=2000, max_number_of_attempts=5)
PATIENCE = df.RetryOptions(first_retry_interval_in_milliseconds=30_000, max_number_of_attempts=2880)
"""For what must happen all the same: twice a minute, for a day."""

FOR_EVER = df.RetryOptions(first_retry_interval_in_milliseconds=3_600_000, max_number_of_attempts=876_000)
"""Every hour, for a hundred years: each attempt stays in the history, and a month of these takes less than that day."""

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


class Stuck(NamedTuple):
    """A step that has failed for good; `subject` tells its dead letter from others of the same step."""

    activity: str
    payload: JsonObject
    fault: str
    subject: str | None = None


class Saga:
    """The steps taken for one order. `order` goes into every payload: those named in ABOUT."""

    ABOUT: tuple[str, ...] = ("tenant_id", "order_id", "correlation_id")

    def __init__(self, context: df.DurableOrchestrationContext) -> None:
        self.context = context
        given: JsonObject = context.get_input()
        self.order: JsonObject = {name: given[name] for name in self.ABOUT}
        self._compensations: list[tuple[str, JsonObject]] = []
        self._shown: JsonObject = {"stage": "begun"}
        self._times_parked = 0

    @property
    def now(self) -> str:
        """The orchestration's own time, the same in every replay."""
        return str(self.context.current_utc_datetime.isoformat())

    def key_of(self, activity: str) -> str:
        """The idempotency key of an activity's side effect in this instance."""
        return names.idempotency_key(self.context.instance_id, activity)

    def stage(self, stage: str, **facts: Any) -> None:
        """Say in the custom status where the saga stands."""
        self._shown = {"stage": stage, **facts}
        self.context.set_custom_status(self._shown)

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
        """Run a step on which nobody may give up, because that would leave the order in limbo: outlive an outage.

        After a day it is parked as a dead letter, and a person's `replay` runs it again, as often as it takes.
        """
        return (yield from self.insisted(self.step(activity, **payload), activity, **payload))

    def insisted(self, task: Any, activity: str, **payload: Any) -> Steps[Any]:
        """The same for a step that has been begun."""
        subject = ":".join(filter(None, (payload.get("sku"), AWAITED)))
        letter, actor = None, UNKNOWN_ACTOR
        while True:
            try:
                result = yield from self._kept_up(task, activity, payload, PATIENCE)
            except Exception as fault:  # noqa: BLE001  # the SDK raises plain Exception for a failed activity
                self._times_parked += 1
                stuck = Stuck(activity, payload, str(fault), subject)
                call = f"{self.key_of(activity)}:{self._times_parked}"
                [letter], actor = yield from self._second_chance([stuck], call)
                task = self.step(activity, **payload)
                continue
            if letter:
                done = {"letter_id": letter["letter_id"], "actor": actor, "outcome": "done"}
                yield from self.outlast(names.SETTLE_DEAD_LETTER, **done)
            return result

    def patiently(self, activity: str, **payload: Any) -> Steps[Any]:
        """Insist on a step for a day, then raise: for whoever knows what to do about its failure."""
        return (yield from self._kept_up(self.step(activity, **payload), activity, payload, PATIENCE))

    def outlast(self, activity: str, **payload: Any) -> Steps[Any]:
        """Insist on a step that calls for a person. Were it parked, nobody would hear of that: it is tried for ever."""
        return (yield from self._kept_up(self.step(activity, **payload), activity, payload, PATIENCE, FOR_EVER))

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
                    stuck.append(Stuck(activity, payload, str(fault), payload.get("sku")))
            if stuck:
                replays += 1
                _, actor = yield from self._second_chance(stuck, f"compensation:{replays}")
            open_steps = [(step.activity, step.payload) for step in stuck]
        if replays:
            settled = {"needs_attention": False, "actor": actor, "detail": "everything is undone"}
            yield from self.outlast(names.FLAG_ORDER, **settled, subject=f"compensation:{replays}")

    def attempt(self, activity: str, **payload: Any) -> Steps[None]:
        """Run a step that must not change how the order ends; parked as a dead letter when it keeps failing."""
        yield from self.parked_if_failed(self.step(activity, **payload), activity, **payload)

    def parked_if_failed(self, task: Any, activity: str, **payload: Any) -> Steps[None]:
        """The same for a step that has been begun."""
        try:
            yield task
        except Exception as fault:  # noqa: BLE001  # the SDK raises plain Exception for a failed activity
            yield from self.park(activity, payload, str(fault))

    def park(self, activity: str, payload: JsonObject, fault: str) -> Steps[None]:
        """Keep a step that failed for good as a dead letter; the saga goes on without it."""
        yield from self._park(Stuck(activity, payload, fault, payload.get("sku")), awaited=False)

    def give_up(self, activity: str, payload: JsonObject, fault: str, *, subject: str) -> Steps[None]:
        """Park a step that no repetition helps, and call for a person; the saga goes on without it."""
        yield from self.park(activity, payload, fault)
        yield from self.call_a_person(fault, subject)

    def call_a_person(self, detail: str, subject: str) -> Steps[None]:
        """Flag the order; `subject` tells this occasion from others of the same order."""
        yield from self.outlast(names.FLAG_ORDER, detail=detail, subject=subject)

    def _second_chance(self, stuck: list[Stuck], subject: str) -> Steps[tuple[list[JsonObject], str]]:
        """Park steps, call for a person and wait until one has asked for a replay: the letters, and who it was.

        A replay that was asked for twice is heard once now and once when a step is stuck again. It then runs a step
        once more, which is safe, under a letter that stays open until the step has succeeded.
        """
        letters = []
        for step in stuck:
            letters.append((yield from self._park(step, awaited=True)))
        before, detail = self._shown, f"{', '.join(step.activity for step in stuck)} kept failing"
        yield from self.call_a_person(detail, subject)
        self.stage("needs_attention", detail=detail)
        asked = self.event(names.REPLAY)
        yield asked
        self.stage(**before)
        return letters, Word.of(asked).actor

    def _park(self, stuck: Stuck, *, awaited: bool) -> Steps[JsonObject]:
        """What is known of the dead letter; `awaited`: this instance goes on when it is replayed."""
        parked: JsonObject = yield from self.outlast(
            names.PARK_DEAD_LETTER,
            instance_id=self.context.instance_id,
            step=stuck.activity,
            subject=stuck.subject,
            payload=self._told(stuck.payload),
            fault=stuck.fault,
            awaited=awaited,
        )
        return parked

    def _kept_up(self, task: Any, activity: str, payload: JsonObject, *policies: Any) -> Steps[Any]:
        """The result of a step that has been begun; when it fails, by the next policy. Raises the last failure."""
        for policy in policies:
            try:
                return (yield task)
            except Exception:  # noqa: BLE001  # the SDK raises plain Exception for a failed activity
                task = self.context.call_activity_with_retry(activity, policy, self._told(payload))
        return (yield task)

    def _told(self, payload: JsonObject) -> JsonObject:
        return {**self.order, "at": self.now, **payload}


def settled(task: Any) -> Steps[None]:
    """Wait for the end of a task, whatever it is."""
    try:
        yield task
    except Exception:  # noqa: BLE001  # its failure is, or stands beside, the one that is being raised
        return
