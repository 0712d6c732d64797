"""What every saga needs: steps with retries, parallel steps that all settle, a stack of compensations, an ending.

Pure decisions: nothing here reads a clock, the environment or the network, so replaying it over a recorded history
always takes the same path. Payloads are plain JSON.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from typing import Any, NamedTuple, TypeVar

import azure.durable_functions as df

from domain.names import PARK_DEAD_LETTER, fulfil_instance_id, idempotency_key
from domain.orders import OrderStatus, Reason
from domain.shapes import JsonObject

T = TypeVar("T")
Steps = Generator[Any, Any, T]
"""A part of an orchestrator that yields tasks and ends with a T."""

_FAILED_ACTIVITY = re.compile(r"Activity function '(\w+)' failed")

RETRY = df.RetryOptions(first_retry_interval_in_milliseconds=2000, max_number_of_attempts=5)
PATIENCE = df.RetryOptions(first_retry_interval_in_milliseconds=30_000, max_number_of_attempts=2880)
"""For what must happen all the same: twice a minute, for a day."""


class Ending(NamedTuple):
    """How a saga ends: the status to record, and why."""

    status: OrderStatus
    reason: Reason | None = None
    detail: str | None = None
    held: JsonObject | None = None

    def unless_decided(self, recorded: JsonObject) -> Ending:
        """This ending, unless recording it has shown that another run had decided the order before."""
        return self if recorded["outcome"] == "recorded" else Ending(OrderStatus(recorded["status"]))


def rejected(reason: Reason, detail: str) -> Ending:
    """The order cannot be fulfilled, which is nobody's fault."""
    return Ending(OrderStatus.REJECTED, reason, detail)


def failed(fault: Exception) -> Ending:
    """A step kept failing. The SDK gives the failure as text alone; people are told which step it was."""
    named = _FAILED_ACTIVITY.search(str(fault))
    detail = f"{named[1]} kept failing" if named else f"the saga broke: {type(fault).__name__}"
    return Ending(OrderStatus.FAILED, detail=detail)


class Saga:
    """The steps taken for one order. `order` goes into every payload: tenant_id, order_id, correlation_id."""

    def __init__(self, context: df.DurableOrchestrationContext) -> None:
        self._context = context
        self.order: JsonObject = context.get_input()
        self._compensations: list[tuple[str, JsonObject]] = []

    @property
    def now(self) -> str:
        """The orchestration's own time, the same in every replay."""
        return str(self._context.current_utc_datetime.isoformat())

    def key_of(self, activity: str) -> str:
        """The idempotency key of an activity's side effect for this order."""
        return idempotency_key(fulfil_instance_id(self.order["tenant_id"], self.order["order_id"]), activity)

    def stage(self, stage: str) -> None:
        """Say in the custom status where the saga stands."""
        self._context.set_custom_status({"stage": stage})

    def step(self, activity: str, **payload: Any) -> Any:
        """The task that runs an activity with retries; to be yielded."""
        return self._context.call_activity_with_retry(activity, RETRY, {**self.order, "at": self.now, **payload})

    def insist(self, activity: str, **payload: Any) -> Steps[Any]:
        """Run a step on which nobody may give up, because that would leave the order in limbo: outlive an outage."""
        told = {**self.order, "at": self.now, **payload}
        try:
            result = yield self._context.call_activity_with_retry(activity, RETRY, told)
        except Exception:  # noqa: BLE001  # the SDK raises plain Exception for a failed activity
            result = yield self._context.call_activity_with_retry(activity, PATIENCE, told)
        return result

    def together(self, tasks: list[Any]) -> Steps[list[Any]]:
        """Run tasks in parallel. A failure is raised only when all have ended: nothing is undone while it is done."""
        try:
            results: list[Any] = yield self._context.task_all(tasks)
        except Exception:
            for task in tasks:
                yield from _settled(task)
            raise
        return results

    def undo_with(self, activity: str, **payload: Any) -> None:
        """Push a compensation; call this before the step it undoes, which may take effect and never answer."""
        self._compensations.append((activity, payload))

    def compensate(self) -> Steps[bool]:
        """Run the compensations, last one first, each whatever became of the others; False if one kept failing.

        What kept failing is parked as a dead letter.
        """
        parked: list[tuple[str, JsonObject, str]] = []
        while self._compensations:
            activity, payload = self._compensations.pop()
            try:
                yield self.step(activity, **payload)
            except Exception as fault:  # noqa: BLE001  # the SDK raises plain Exception for a failed activity
                parked.append((activity, payload, str(fault)))
        for activity, payload, fault_text in parked:
            yield from self._park(activity, payload, fault_text)
        return not parked

    def attempt(self, activity: str, **payload: Any) -> Steps[None]:
        """Run a step that must not change how the order ends; parked as a dead letter when it keeps failing."""
        try:
            yield self.step(activity, **payload)
        except Exception as fault:  # noqa: BLE001  # the SDK raises plain Exception for a failed activity
            yield from self._park(activity, payload, str(fault))

    def _park(self, activity: str, payload: JsonObject, fault: str) -> Steps[None]:
        told = {**self.order, "at": self.now, **payload}
        yield from self.insist(PARK_DEAD_LETTER, step=activity, subject=payload.get("sku"), payload=told, fault=fault)


def _settled(task: Any) -> Steps[None]:
    try:
        yield task
    except Exception:  # noqa: BLE001  # its failure is, or stands beside, the one that is being raised
        return
