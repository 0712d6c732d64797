"""What functions write through output bindings in a test: kept here instead of sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from azure.functions.meta import Datum

from localazure.host.functions import Binding, HostedFunction
from localazure.testing.calls import value_of


@dataclass(frozen=True)
class Output:
    """One write. `properties` are the binding's, such as `queueName`; `value` is a JSON value, text or bytes."""

    function: str
    binding: str
    properties: dict[str, Any]
    value: Any


class RecordingWriter:
    """Serves every kind of output binding."""

    def __init__(self) -> None:
        self.written: list[Output] = []

    async def __call__(self, function: HostedFunction, binding: Binding, datum: Datum) -> None:
        value = value_of(datum.value) if isinstance(datum.value, str) else datum.value
        self.written.append(Output(function.name, binding.name, dict(binding.properties), value))


async def refuse_input(function: HostedFunction, binding: Binding) -> Datum:
    """An input binding that reads from a service which a test has not got. Raises LookupError."""
    raise LookupError(
        f"{function.name} reads '{binding.name}' from {binding.type}, which a Hub has not: replace the activity, or"
        " run the app against `localazure.testing.System`"
    )
