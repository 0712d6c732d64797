"""Gives the task hub the app's orchestrators, activities and entities, and functions their durable client."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from azure.functions.meta import Datum

from localazure.durable.functions import FunctionKind, Turn
from localazure.host.functions import Binding, HostedFunction
from localazure.host.index import Index
from localazure.host.invocation import Invoker, TriggerCall
from localazure.host.sessions import Sessions

_TRIGGERS = {
    FunctionKind.ORCHESTRATOR: "orchestrationtrigger",
    FunctionKind.ACTIVITY: "activitytrigger",
    FunctionKind.ENTITY: "entitytrigger",
}
_REASONS = {kind: f"({kind}) instance " for kind in FunctionKind}


class DurableFunctions:
    """The `Functions` that the task hub calls.

    A function answers to its durable name and, where that is free, to its Python name: the SDK sends the latter when
    user code passes the decorated function itself.
    """

    def __init__(self, index: Index, invoker: Invoker) -> None:
        self._invoker = invoker
        self._sessions = Sessions()
        self._functions: dict[FunctionKind, dict[str, HostedFunction]] = {}
        self._spellings: dict[FunctionKind, dict[str, str]] = {}
        for kind, trigger in _TRIGGERS.items():
            named = {function.durable_name: function for function in index.runnable(trigger)}
            spellings = {name.lower(): name for name in named}
            for name, function in named.items():
                spellings.setdefault(function.entry_point.lower(), name)
            self._functions[kind] = named
            self._spellings[kind] = spellings

    def resolve(self, kind: FunctionKind, name: str) -> str | None:
        return self._spellings[kind].get(name.lower())

    def names(self, kind: FunctionKind) -> list[str]:
        return sorted(self._functions[kind])

    async def call_orchestrator(self, name: str, instance_id: str, context_json: str) -> str:
        return await self._call(FunctionKind.ORCHESTRATOR, name, instance_id, context_json)

    async def continue_orchestrator(self, name: str, instance_id: str, turn: Turn) -> str:
        function = self._function(FunctionKind.ORCHESTRATOR, name)

        def call(code: Callable[[Any], str], payload: str) -> Awaitable[str]:
            return self._invoke(function, FunctionKind.ORCHESTRATOR, instance_id, payload, code)

        return await self._sessions.play(instance_id, turn, function.call, call)

    def forget_orchestrator(self, instance_id: str) -> None:
        self._sessions.forget(instance_id)

    async def call_activity(self, name: str, instance_id: str, input_json: str) -> str:
        return await self._call(FunctionKind.ACTIVITY, name, instance_id, input_json)

    async def call_entity(self, name: str, instance_id: str, batch_json: str) -> str:
        return await self._call(FunctionKind.ENTITY, name, instance_id, batch_json)

    async def _call(self, kind: FunctionKind, name: str, instance_id: str, payload: str) -> str:
        return await self._invoke(self._function(kind, name), kind, instance_id, payload)

    def _function(self, kind: FunctionKind, name: str) -> HostedFunction:
        return self._functions[kind][self._spellings[kind][name.lower()]]

    async def _invoke(
        self,
        function: HostedFunction,
        kind: FunctionKind,
        instance_id: str,
        payload: str,
        code: Callable[[Any], Any] | None = None,
    ) -> str:
        call = TriggerCall(
            Datum(payload, "string"),
            reason=f"{_REASONS[kind]}'{instance_id}'",
            values=_values(function, instance_id, payload) if function.uses_expressions else {},
            code=code,
        )
        result = await self._invoker.invoke(function, call)
        return str(result.value)


def _values(function: HostedFunction, instance_id: str, payload: str) -> dict[str, str]:
    """What binding expressions of an activity can refer to."""
    return {"instanceId": instance_id, "data": payload, function.trigger_name: payload}


class DurableClientReader:
    """Makes the value of `durableClient` bindings. `make` takes the binding's task hub and connection, or None."""

    def __init__(self, make: Callable[[str | None, str | None], str]) -> None:
        self._make = make

    async def __call__(self, function: HostedFunction, binding: Binding) -> Datum:  # noqa: ARG002  # same for all
        return Datum(self._make(binding.text("taskHub") or None, binding.text("connectionName") or None), "string")
