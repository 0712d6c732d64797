"""Hearing the customer's `cancel` in time: at every wait, and before every step that has a side effect."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from domain import names
from domain.orders import OrderStatus
from orchestrators.saga import CalledOff, Ending, Saga, Steps, Word


class Cancellation:
    """The one wait for the event `cancel` of an order."""

    def __init__(self, saga: Saga) -> None:
        self._saga = saga
        self.task = saga.event(names.CANCEL)

    @property
    def is_asked_for(self) -> bool:
        """Whether somebody has asked for it by now."""
        return bool(self.task.is_completed)

    @property
    def ending(self) -> Ending:
        """How a cancelled order ends; once it has been asked for."""
        word = Word.of(self.task)
        return Ending(OrderStatus.CANCELLED, detail=word.data.get("note"), actor=word.actor)

    def listen_during(self, activity: str) -> Steps[Any]:
        """Insist on the saga's first step, and be heard from then on: the task hub knows waits only once yielded."""
        task = self._saga.step(activity)
        yield self._saga.context.task_any([self.task, task])
        return (yield from self._saga.insisted(task, activity))

    def heed(self) -> None:
        """Call this before a step with a side effect. Raises CalledOff."""
        if self.is_asked_for:
            raise CalledOff(self.ending)

    def first_within(self, delay: timedelta, *tasks: Any) -> Steps[Any]:
        """The first of these tasks that ends, or None when none has ended after `delay`.

        Raises CalledOff when a cancellation comes first.
        """
        winner = yield from self._saga.first_within(delay, self.task, *tasks)
        self.heed()
        return winner
