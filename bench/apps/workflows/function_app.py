"""Workflows whose steps do nothing, so that a benchmark sees what surrounds the steps."""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

app = df.DFApp()
Steps = Generator[Any, Any, Any]


@app.orchestration_trigger(context_name="context")
def chain(context: df.DurableOrchestrationContext) -> Steps:
    """Five activities, one after the other."""
    number = 0
    for _ in range(5):
        number = yield context.call_activity("add_one", number)
    return number


@app.orchestration_trigger(context_name="context")
def order(context: df.DurableOrchestrationContext) -> Steps:
    """An order without its trouble: three reservations side by side, a charge, two notifications."""
    reserved = yield context.task_all([context.call_activity("add_one", line) for line in range(3)])
    charged = yield context.call_activity("add_one", sum(reserved))
    for _ in range(2):
        yield context.call_activity("add_one", charged)
    return charged


@app.orchestration_trigger(context_name="context")
def fan_out(context: df.DurableOrchestrationContext) -> Steps:
    """A thousand activities at once, and the sum of their results."""
    numbers = yield context.task_all([context.call_activity("add_one", number) for number in range(1000)])
    return sum(numbers)


@app.orchestration_trigger(context_name="context")
def wait(context: df.DurableOrchestrationContext) -> Steps:
    """An activity, then a timer that nobody lives to see."""
    yield context.call_activity("add_one", 1)
    yield context.create_timer(context.current_utc_datetime + timedelta(days=365))


@app.activity_trigger(input_name="number")
def add_one(number: int) -> int:
    """The next number."""
    return number + 1
