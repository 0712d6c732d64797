"""The one way by which user code runs: inputs in, the call, outputs out.

Coroutine functions run on the loop, plain ones in a pool of threads. Orchestrators and entities have threads of their
own, so that user threads that block cannot starve them. Outputs are written only after a call that did not raise.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from azure.functions.meta import Datum

from localazure.clock import Clock
from localazure.durable.functions import FunctionFailure
from localazure.host import converters, expressions
from localazure.host.context import InvocationContext, OutValue, RetryContext, TraceContext
from localazure.host.current import Invocation, current_invocation
from localazure.host.functions import Binding, HostedFunction
from localazure.host.logs import function_logger
from localazure.host.running import Running, TimeLimitExpired
from localazure.host.threads import Threads
from localazure.host.timespans import format_timespan
from localazure.host.tracebacks import user_traceback

REPLAY_THREADS = 4
REPLAY_PATIENCE_S = 0.25
PATIENCE_S = 0.002
MANUAL_REASON = "This function was programmatically called via the host APIs."


@dataclass(slots=True)
class TriggerCall:
    """What a trigger hands over for one invocation. Without a trace a new one begins, without `retry` it is the first.

    `metadata` goes to the SDK's converters, `values` to binding expressions in other bindings.
    """

    datum: Datum
    reason: str
    metadata: Mapping[str, Datum] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    trace: TraceContext | None = None
    retry: RetryContext | None = None
    code: Callable[[Any], Any] | None = None
    """What runs instead of a replayed function's own code."""


class InputReader(Protocol):
    """Fetches the data of one kind of input binding. Properties are already filled in."""

    async def __call__(self, function: HostedFunction, binding: Binding) -> Datum: ...


class OutputWriter(Protocol):
    """Writes a value to where one kind of output binding points. Properties are already filled in."""

    async def __call__(self, function: HostedFunction, binding: Binding, datum: Datum) -> None: ...


class Invoker:
    """Runs functions and knows which of them are running.

    `readers` and `writers` serve input and output bindings, by binding type in lower case.
    """

    def __init__(
        self,
        root: Path,
        clock: Clock,
        *,
        time_limit: timedelta | None,
        threads: int | None,
        readers: Mapping[str, InputReader],
        writers: Mapping[str, OutputWriter],
    ) -> None:
        self._root = root
        self._clock = clock
        self._running = Running(time_limit)
        self._readers = readers
        self._writers = writers
        self._thread_storage = threading.local()
        self._threads = Threads("function", threads or min(32, (os.cpu_count() or 1) + 4), PATIENCE_S)
        self._replay_threads = Threads("orchestrator", REPLAY_THREADS, REPLAY_PATIENCE_S)

    @property
    def busy_threads(self) -> int:
        """Calls of plain functions that have not returned; they cannot be cancelled."""
        return self._threads.busy + self._replay_threads.busy

    @property
    def running(self) -> int:
        """The number of invocations that have not ended."""
        return len(self._running.tasks)

    async def invoke(self, function: HostedFunction, call: TriggerCall) -> Datum:
        """Run the function once and write its outputs; returns what it gave back to its trigger.

        Raises FunctionFailure, already logged. Being cancelled means a shutdown: nothing is known of the outcome.
        """
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # a coroutine always runs in a task
        invocation = Invocation(function.name)
        token = current_invocation.set(invocation)
        self._running.begin(task)
        is_told = function_logger(function.name).isEnabledFor(logging.INFO)
        if is_told:
            _tell_begin(invocation, call.reason)
        try:
            result = await self._run(function, call, invocation)
        except (Exception, SystemExit, asyncio.CancelledError) as error:
            cause = self._cause(task, error)
            if isinstance(cause, asyncio.CancelledError) and task.cancelling():  # else it comes from the user's code
                _tell_end(invocation, logging.WARNING, "Cancelled")
                raise
            failure = self._failure(function, cause)
            _tell_end(invocation, logging.ERROR, "Failed", failure.stack)
            raise failure from error
        else:
            if is_told:
                _tell_end(invocation, logging.INFO, "Succeeded")
            return result
        finally:
            current_invocation.reset(token)
            self._running.end(task)

    async def drain(self, grace_s: float) -> None:
        """Wait for running invocations, then cancel those that are left, and give up the threads."""
        if running := self._running.tasks:
            await asyncio.wait(running, timeout=grace_s)
        leftover = self._running.tasks
        for task in leftover:
            task.cancel()
        await asyncio.gather(*leftover, return_exceptions=True)
        for threads in (self._threads, self._replay_threads):
            threads.close()

    async def _run(self, function: HostedFunction, call: TriggerCall, invocation: Invocation) -> Datum:
        outs: dict[str, OutValue[Any]] = {binding.name: OutValue() for binding in function.outputs}
        arguments: dict[str, Any] = dict(outs)
        arguments[function.trigger_name] = _decoded(function, function.trigger, call.datum, call.metadata)
        for binding in function.inputs:
            datum = await self._read(function, self._filled(binding, call))
            arguments[binding.name] = _decoded(function, binding, datum, call.metadata)
        if function.wants_context:
            trace, retry = call.trace or TraceContext(), call.retry or RetryContext()
            arguments["context"] = InvocationContext(
                invocation.id, function.name, str(self._root), self._thread_storage, trace, retry
            )
        returned = await self._call(function, call, arguments, invocation)
        result, writes = _encode_outputs(function, returned, outs)
        for binding, datum in writes:
            await self._write(function, self._filled(binding, call), datum)
        return result

    def _call(
        self, function: HostedFunction, call: TriggerCall, arguments: dict[str, Any], invocation: Invocation
    ) -> Awaitable[Any]:
        if function.is_async:
            running: Awaitable[Any] = function.call(**arguments)
            return running
        if function.is_replayed:
            code = call.code or function.call
            return self._replay_threads.run(partial(code, arguments[function.trigger_name]))

        invocation_id = invocation.id

        def call_with_id() -> Any:
            self._thread_storage.invocation_id = invocation_id
            return function.call(**arguments)

        return self._threads.run(call_with_id)

    def _filled(self, binding: Binding, call: TriggerCall) -> Binding:
        if not binding.has_expressions:
            return binding
        properties = expressions.fill_all(binding.properties, call.values, self._clock.now())
        return Binding(binding.name, binding.type, binding.direction, properties)

    async def _read(self, function: HostedFunction, binding: Binding) -> Datum:
        return await self._readers[binding.kind](function, binding)

    async def _write(self, function: HostedFunction, binding: Binding, datum: Datum) -> None:
        await self._writers[binding.kind](function, binding, datum)

    def _cause(self, task: asyncio.Task[Any], error: BaseException) -> BaseException:
        is_late = isinstance(error, asyncio.CancelledError) and self._running.has_expired(task)
        return TimeLimitExpired() if is_late else error

    def _failure(self, function: HostedFunction, error: BaseException) -> FunctionFailure:
        if isinstance(error, TimeLimitExpired):
            limit = format_timespan(self._running.limit or timedelta(0))
            text = f"Timeout value of {limit} exceeded by function: {function.name}. Initiating cancellation."
            return FunctionFailure("FunctionTimeoutException", text, text)
        return FunctionFailure(type(error).__name__, _text_of(error), user_traceback(error, self._root))


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001  # the user's own code, which failed once already
        return "<exception str() failed>"


def _tell_begin(invocation: Invocation, reason: str) -> None:
    name = invocation.function_name
    function_logger(name).info("Executing 'Functions.%s' (Reason='%s', Id=%s)", name, reason, invocation.id)


def _tell_end(invocation: Invocation, level: int, outcome: str, stack: str = "") -> None:
    name = invocation.function_name
    text = "Executed 'Functions.%s' (%s, Id=%s, Duration=%dms)" + (stack and "\n%s")
    details = (stack,) if stack else ()
    function_logger(name).log(level, text, name, outcome, invocation.id, invocation.duration_ms, *details)


def _decoded(function: HostedFunction, binding: Binding, datum: Datum, metadata: Mapping[str, Datum]) -> Any:
    return converters.decode(binding.type, datum, metadata, is_raw=binding.name in function.raw_parameters)


def _encode_outputs(
    function: HostedFunction, returned: Any, outs: Mapping[str, OutValue[Any]]
) -> tuple[Datum, list[tuple[Binding, Datum]]]:
    """What goes back to the trigger, and what is to be written where."""
    writes: list[tuple[Binding, Datum]] = []
    result = _encode_return(function, returned)
    binding = function.return_binding
    if binding is not None and binding.kind != "http" and result.type is not None:
        writes.append((binding, result))
    for output in function.outputs:
        value = outs[output.name].get()
        if value is not None:
            is_raw = output.name in function.raw_parameters
            datum = converters.encode(
                output.type, value, is_raw=is_raw, expected_type=function.annotations.get(output.name)
            )
            if output.kind == "http":
                result = datum
            else:
                writes.append((output, datum))
    return result, writes


def _encode_return(function: HostedFunction, returned: Any) -> Datum:
    binding = function.return_binding
    if binding is not None:
        if returned is None and binding.kind != "http":
            return converters.NOTHING
        return converters.encode(binding.type, returned, is_raw=False)
    if converters.has_implicit_output(function.trigger.type):
        return converters.encode(function.trigger.type, returned, is_raw=False)
    if returned is not None:
        raise RuntimeError(f"function '{function.name}' without a $return binding returned a non-None value")
    return converters.NOTHING
