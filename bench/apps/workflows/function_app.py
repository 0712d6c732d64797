"""The least that a workflow can be: five activities in a row that do nothing."""

from collections.abc import Generator
from typing import Any

import azure.durable_functions as df

STEPS = 5

app = df.DFApp()


@app.orchestration_trigger(context_name="context")
def chain(context: df.DurableOrchestrationContext) -> Generator[Any, Any, int]:
    """Count to five, one activity after the other."""
    number = 0
    for _ in range(STEPS):
        number = yield context.call_activity("add_one", number)
    return number


@app.activity_trigger(input_name="number")
def add_one(number: int) -> int:
    """The next number."""
    return number + 1
