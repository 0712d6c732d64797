"""The app's functions as the hub under test calls them: replaced by name, recorded, and met by fault rules."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol

from localazure.durable.functions import FunctionFailure, FunctionKind
from localazure.host.durable import DurableFunctions
from localazure.host.invocation import Invoker
from localazure.testing.calls import Call, CallLog, CallOutcome
from localazure.testing.cast import Cast
from localazure.testing.faults import Crash, Delay, Duplicate, Fail, Hold, Moment, Reorder, Rule, Rules
from localazure.testing.parking import Parking

Run = Callable[[], Awaitable[str]]


class Stage(Protocol):
    """What rules act on."""

    parking: Parking

    def now(self) -> datetime: ...

    def crash_soon(self) -> None: ...


class WatchedFunctions:
    """Implements `durable.functions.Functions` for one life of the hub."""

    def __init__(self, cast: Cast, invoker: Invoker, log: CallLog, rules: Rules, stage: Stage) -> None:
        self._cast = cast
        self._invoker = invoker
        self._log = log
        self._rules = rules
        self._stage = stage
        self.refresh()

    def refresh(self) -> None:
        """Look at the cast again."""
        self._functions = DurableFunctions(self._cast.index, self._invoker)

    def resolve(self, kind: FunctionKind, name: str) -> str | None:
        return self._functions.resolve(kind, name)

    def names(self, kind: FunctionKind) -> list[str]:
        return self._functions.names(kind)

    async def call_orchestrator(self, name: str, instance_id: str, context_json: str) -> str:
        run = lambda: self._functions.call_orchestrator(name, instance_id, context_json)  # noqa: E731  # the call, to be made
        return await self._watched(FunctionKind.ORCHESTRATOR, name, instance_id, context_json, run)

    async def call_activity(self, name: str, instance_id: str, input_json: str) -> str:
        run = lambda: self._functions.call_activity(name, instance_id, input_json)  # noqa: E731  # the call, to be made
        return await self._watched(FunctionKind.ACTIVITY, name, instance_id, input_json, run)

    async def call_entity(self, name: str, instance_id: str, batch_json: str) -> str:
        run = lambda: self._functions.call_entity(name, instance_id, batch_json)  # noqa: E731  # the call, to be made
        return await self._watched(FunctionKind.ENTITY, name, instance_id, batch_json, run)

    async def _watched(self, kind: FunctionKind, name: str, instance_id: str, text: str, run: Run) -> str:
        call = self._log.begin(kind, name, instance_id, text, self._stage.now())
        rules = self._rules.for_invocation(name, instance_id)
        try:
            call.outcome = CallOutcome.PREVENTED
            await self._meet(Moment.BEFORE, rules, call)
            call.outcome = CallOutcome.RUNNING
            result = await self._run(run, rules, call)
            call.returned(result)
        except FunctionFailure as failure:
            call.raised(failure)
            raise
        except asyncio.CancelledError:
            call.lost()
            raise
        return result

    async def _run(self, run: Run, rules: list[Rule], call: Call) -> str:
        failure: FunctionFailure | None = None
        result = ""
        for _ in range(1 + sum(isinstance(rule.action, Duplicate) for rule in rules)):
            try:
                result, failure = await run(), None
            except FunctionFailure as raised:
                failure = raised
        await self._meet(Moment.AFTER, rules, call)
        if failure is not None:
            raise failure
        return result

    async def _meet(self, moment: Moment, rules: list[Rule], call: Call) -> None:
        for rule in rules:
            if rule.moment is moment:
                await self._act(rule, call)

    async def _act(self, rule: Rule, call: Call) -> None:
        parking, name, instance_id = self._stage.parking, call.name, call.instance_id
        match rule.action:
            case Fail(error):
                raise FunctionFailure(type(error).__name__, str(error))
            case Delay(by):
                await parking.wait(name, instance_id, due=self._stage.now() + by)
            case Hold():
                await parking.wait(name, instance_id, held_by=rule)
            case Reorder():
                await parking.wait(name, instance_id, is_last=True)
            case Crash():
                self._stage.crash_soon()
                await asyncio.Event().wait()  # for the cancellation that the crash brings
