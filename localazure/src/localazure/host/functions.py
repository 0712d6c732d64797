"""What the host knows of one function after indexing: the words that every other module uses."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any, Literal

RETURN = "$return"
DURABLE_TRIGGERS = {
    "orchestrationtrigger": "orchestration",
    "activitytrigger": "activity",
    "entitytrigger": "entityName",
}
"""The triggers of the task hub, each with the property that gives a function another durable name."""
DURABLE_CLIENT = "durableclient"
INPUTS = frozenset({DURABLE_CLIENT, "cosmosdb", "blob"})
OUTPUTS = frozenset({"http", "queue", "cosmosdb", "blob", "eventgrid"})
"""The bindings that this host has, by kind; `http` is the answer to a request."""
REPLAYED_TRIGGERS = frozenset({"orchestrationtrigger", "entitytrigger"})
"""Functions that the durable SDK has wrapped: called with one positional argument, over and over, and quick."""


@dataclass(frozen=True)
class Binding:
    """One binding as the SDK describes it, with `%NAME%` expanded in its properties."""

    name: str
    type: str
    direction: Literal["in", "out"]
    properties: Mapping[str, Any]

    @cached_property
    def kind(self) -> str:
        """The type in lower case: types are compared ignoring case."""
        return self.type.lower()

    def text(self, *keys: str, default: str = "") -> str:
        """The first of these properties that is given."""
        return next((str(self.properties[key]) for key in keys if self.properties.get(key) is not None), default)

    def integer(self, key: str, default: int) -> int:
        """Raises ValueError that names the key."""
        value = self.properties.get(key)
        try:
            return default if value is None else int(value)
        except ValueError:
            raise ValueError(f"{key}: {value!r} is not a whole number.") from None

    def flag(self, *keys: str) -> bool:
        return self.text(*keys).lower() == "true"

    @cached_property
    def has_expressions(self) -> bool:
        return any(isinstance(value, str) and "{" in value for value in self.properties.values())


@dataclass(frozen=True)
class RetryPolicy:
    """`@app.retry(...)`: what to do with a failing function whose trigger has no redelivery of its own."""

    max_retry_count: int  # -1: without limit
    minimum: timedelta
    maximum: timedelta
    is_exponential: bool

    def delay_s(self, attempt: int, random: float) -> float:
        """The pause after failed attempt number `attempt` (from 0), with `random` in [0, 1)."""
        minimum = self.minimum.total_seconds()
        if not self.is_exponential:
            return minimum
        return min(minimum + random * 2.0 ** min(attempt, 62) * minimum, self.maximum.total_seconds())


@dataclass(frozen=True)
class HostedFunction:
    """One function. `errors` is empty when it can run; a function with errors is listed but never triggered."""

    name: str
    entry_point: str
    script_file: str
    call: Callable[..., Any]
    is_async: bool
    raw_bindings: tuple[Mapping[str, Any], ...]
    bindings: tuple[Binding, ...]
    trigger_name: str
    raw_parameters: frozenset[str] = frozenset()
    annotations: Mapping[str, Any] = field(default_factory=dict)
    wants_context: bool = False
    retry: RetryPolicy | None = None
    is_disabled: bool = False
    is_allowed: bool = True
    errors: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Names the function in receipts and in the status of timers."""
        return f"Host.Functions.{self.name}"

    @cached_property
    def is_runnable(self) -> bool:
        return not self.errors and not self.is_disabled and self.is_allowed

    @cached_property
    def trigger(self) -> Binding:
        return next(binding for binding in self.bindings if binding.name == self.trigger_name)

    @cached_property
    def inputs(self) -> tuple[Binding, ...]:
        """Input bindings besides the trigger."""
        return tuple(b for b in self.bindings if b.direction == "in" and b.name != self.trigger_name)

    @cached_property
    def outputs(self) -> tuple[Binding, ...]:
        """Output bindings that are parameters."""
        return tuple(b for b in self.bindings if b.direction == "out" and b.name != RETURN)

    @cached_property
    def return_binding(self) -> Binding | None:
        return next((b for b in self.bindings if b.name == RETURN), None)

    @cached_property
    def durable_name(self) -> str:
        """The name under which the task hub knows the function; empty for all that is not durable."""
        rename = DURABLE_TRIGGERS.get(self.trigger.kind)
        return self.trigger.text(rename, default=self.name) if rename else ""

    @cached_property
    def is_replayed(self) -> bool:
        return self.trigger.kind in REPLAYED_TRIGGERS

    @cached_property
    def uses_expressions(self) -> bool:
        """Whether another binding refers to the trigger's data (`{id}`)."""
        return any(binding.has_expressions for binding in self.bindings if binding.name != self.trigger_name)


def binding_of(raw: Mapping[str, Any]) -> Binding:
    """A binding from its JSON form, nothing expanded yet."""
    is_output = str(raw.get("direction", "in")).lower() == "out"
    return Binding(str(raw["name"]), str(raw["type"]), "out" if is_output else "in", raw)


def raw_bindings_of(sdk_function: Any) -> tuple[dict[str, Any], ...]:
    """The SDK's JSON of each binding, without the properties that were not given."""
    decoded = (json.loads(text) for text in sdk_function.get_raw_bindings())
    return tuple({key: value for key, value in raw.items() if value is not None} for raw in decoded)
