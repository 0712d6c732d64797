"""Orchestrators that the tests of the kit run, each with one thing to wait for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure.durable_functions as df
import pytest
from localazure.testing import Hub

APPS = Path(__file__).resolve().parents[1] / "apps"


def approve(context: Any) -> Any:
    """Charge when approved within a day."""
    deadline = context.create_timer(context.current_utc_datetime + timedelta(hours=24))
    approval = context.wait_for_external_event("approval")
    winner = yield context.task_any([approval, deadline])
    if winner is deadline:
        return "timed out"
    deadline.cancel()
    return (yield context.call_activity("charge", context.get_input()))


def pay(context: Any) -> Any:
    return (yield context.call_activity("charge", context.get_input()))


def insist(context: Any) -> Any:
    retry = df.RetryOptions(first_retry_interval_in_milliseconds=60_000, max_number_of_attempts=3)
    return (yield context.call_activity_with_retry("charge", retry, context.get_input()))


def fan_out(context: Any) -> Any:
    tasks = [context.call_activity("note", name) for name in context.get_input()]
    first = yield context.task_any(tasks)
    rest = yield context.task_all(tasks)
    return [first.result, *rest]


def sleepers(context: Any) -> Any:
    for minutes in context.get_input():
        yield context.create_timer(context.current_utc_datetime + timedelta(minutes=minutes))
        yield context.call_activity("note", [minutes, context.current_utc_datetime.isoformat()])
    return "awake"


def parent(context: Any) -> Any:
    return (yield context.call_sub_orchestrator("approve", context.get_input(), f"{context.instance_id}:child"))


def counter(context: Any) -> None:
    value = context.get_state(lambda: 0) + context.get_input()
    context.set_state(value)
    context.set_result(value)


def count(context: Any) -> Any:
    return (yield context.call_entity(df.EntityId("counter", "one"), "add", context.get_input()))


ORCHESTRATORS = [approve, pay, insist, fan_out, sleepers, parent, count]


@pytest.fixture
def apps() -> Path:
    """The folder of the apps that are loaded as a whole."""
    return APPS


@pytest.fixture
def orchestrators() -> SimpleNamespace:
    return SimpleNamespace(**{each.__name__: each for each in ORCHESTRATORS})


@pytest.fixture
def make_hub() -> Iterator[Any]:
    """Makes hubs over the orchestrators above; closed after the test."""
    with ExitStack() as stack:

        def make(**options: Any) -> Hub:
            activities = {"charge": "charged", "note": lambda given: given} | options.pop("activities", {})
            given = {"orchestrators": ORCHESTRATORS, "entities": [counter]} | options
            return stack.enter_context(Hub(activities=activities, **given))

        yield make


@pytest.fixture
def hub(make_hub: Any) -> Hub:
    made: Hub = make_hub()
    return made
