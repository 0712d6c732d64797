"""The one way by which user code runs: inputs in, the call, outputs out.

Coroutine functions run on the loop, plain ones in a pool of threads. Orchestrators and entities have threads of their
own, so that user threads that block cannot starve them. Outputs are written only after a call that did not raise.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from azure.functions.meta import Datum

from localazure.clock import Clock
from localazure.durable.functions import FunctionFailure
from localazure.host import converters, expressions
from localazure.host.context import InvocationContext, OutValue, RetryContext, TraceContext
from localazure.host.functions import Binding, HostedFunction
from localazure.host.logs import current_function, function_logger
from localazure.host.timespans import format_timespan
from localazure.host.tracebacks import user_traceback

REPLAY_THREADS = 4
MANUAL_REASON = "This function was programmatically called via the host APIs."


@dataclass(frozen=True)
class TriggerCall:
    """What a trigger hands over for one invocation.

    `metadata` goes to the SDK's converters, `values` to binding expressions in other bindings.
    """

    datum: Datum
    reason: str
    metadata: Mapping[str, Datum] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    trace: TraceContext = field(default_factory=TraceContext)
    retry: RetryContext = field(default_factory=RetryContext)


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
        self._time_limit = time_limit
        self._readers = readers
        self._writers = writers
        self._thread_storage = threading.local()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="function")
        self._replay_pool = ThreadPoolExecutor(REPLAY_THREADS, thread_name_prefix="orchestrator")
        self._running: set[asyncio.Task[Any]] = set()
        self._counting = threading.Lock()
        self.busy_threads = 0
        """Calls of plain functions that have not returned; they cannot be cancelled."""

    @property
    def running(self) -> int:
        """The number of invocations that have not ended."""
        return len(self._running)

    async def invoke(self, function: HostedFunction, call: TriggerCall) -> Datum:
        """Run the function once and write its outputs; returns what it gave back to its trigger.

        Raises FunctionFailure, already logged. Being cancelled means a shutdown: nothing is known of the outcome.
        """
        invocation_id = str(uuid4())
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # a coroutine always runs in a task
        self._running.add(task)
        try:
            with self._observed(function, call.reason, invocation_id):
                return await self._within_time_limit(function, self._run(function, call, invocation_id))
        finally:
            self._running.discard(task)

    async def drain(self, grace_s: float) -> None:
        """Wait for running invocations, then cancel those that are left, and give up the threads."""
        if self._running:
            await asyncio.wait(self._running, timeout=grace_s)
        leftover = list(self._running)
        for task in leftover:
            task.cancel()
        await asyncio.gather(*leftover, return_exceptions=True)
        for pool in (self._pool, self._replay_pool):
            pool.shutdown(wait=False, cancel_futures=True)

    @contextmanager
    def _observed(self, function: HostedFunction, reason: str, invocation_id: str) -> Iterator[None]:
        """Log start and end, mark what is logged meanwhile as the function's, and raise failures as one type."""
        log = function_logger(function.name)
        started = time.monotonic()

        def end(outcome: str) -> str:
            duration_ms = round((time.monotonic() - started) * 1000)
            return f"Executed 'Functions.{function.name}' ({outcome}, Id={invocation_id}, Duration={duration_ms}ms)"

        log.info("Executing 'Functions.%s' (Reason='%s', Id=%s)", function.name, reason, invocation_id)
        token = current_function.set(function.name)
        try:
            yield
            log.info(end("Succeeded"))
        except asyncio.CancelledError:
            log.warning(end("Cancelled"))
            raise
        except Exception as error:
            failure = self._failure(error)
            log.error("%s\n%s", end("Failed"), failure.stack)  # noqa: TRY400  # the stack begins with the user's frames
            raise failure from error
        finally:
            current_function.reset(token)

    async def _within_time_limit(self, function: HostedFunction, run: Awaitable[Datum]) -> Datum:
        limit = self._time_limit
        timeout = asyncio.timeout(limit.total_seconds() if limit else None)
        try:
            async with timeout:
                return await run
        except TimeoutError:
            if limit is None or not timeout.expired():
                raise  # the function's own
            text = f"Timeout value of {format_timespan(limit)} exceeded by function: {function.name}."
            raise FunctionTimeoutError(f"{text} Initiating cancellation.") from None

    async def _run(self, function: HostedFunction, call: TriggerCall, invocation_id: str) -> Datum:
        arguments, outs = await self._arguments(function, call)
        if function.wants_context:
            arguments["context"] = InvocationContext(
                invocation_id, function.name, str(self._root), self._thread_storage, call.trace, call.retry
            )
        returned = await self._call(function, arguments, invocation_id)
        result, writes = _encode_outputs(function, returned, outs)
        for binding, datum in writes:
            await self._write(function, self._filled(binding, call), datum)
        return result

    async def _arguments(
        self, function: HostedFunction, call: TriggerCall
    ) -> tuple[dict[str, Any], dict[str, OutValue[Any]]]:
        outs: dict[str, OutValue[Any]] = {binding.name: OutValue() for binding in function.outputs}
        arguments: dict[str, Any] = dict(outs)
        metadata = dict(call.metadata)
        for binding in (function.trigger, *function.inputs):
            is_trigger = binding.name == function.trigger_name
            datum = call.datum if is_trigger else await self._read(function, self._filled(binding, call))
            is_raw = binding.name in function.raw_parameters
            arguments[binding.name] = converters.decode(binding.type, datum, metadata, is_raw=is_raw)
        return arguments, outs

    async def _call(self, function: HostedFunction, arguments: dict[str, Any], invocation_id: str) -> Any:
        if function.is_async:
            return await function.call(**arguments)
        if function.is_replayed:
            value = arguments[function.trigger_name]
            return await self._in_thread(self._replay_pool, lambda: function.call(value))

        def call_with_id() -> Any:
            self._thread_storage.invocation_id = invocation_id
            return function.call(**arguments)

        return await self._in_thread(self._pool, call_with_id)

    async def _in_thread(self, pool: ThreadPoolExecutor, call: Callable[[], Any]) -> Any:
        with self._counting:
            self.busy_threads += 1
        future = pool.submit(contextvars.copy_context().run, call)
        future.add_done_callback(self._on_thread_done)
        return await asyncio.wrap_future(future)

    def _on_thread_done(self, _: Future[Any]) -> None:
        with self._counting:
            self.busy_threads -= 1

    def _filled(self, binding: Binding, call: TriggerCall) -> Binding:
        if not binding.has_expressions:
            return binding
        now = self._clock.now()
        properties = {
            key: expressions.fill(value, call.values, now) if isinstance(value, str) else value
            for key, value in binding.properties.items()
        }
        return Binding(binding.name, binding.type, binding.direction, properties)

    async def _read(self, function: HostedFunction, binding: Binding) -> Datum:
        return await self._readers[binding.kind](function, binding)

    async def _write(self, function: HostedFunction, binding: Binding, datum: Datum) -> None:
        await self._writers[binding.kind](function, binding, datum)

    def _failure(self, error: Exception) -> FunctionFailure:
        if isinstance(error, FunctionTimeoutError):
            return FunctionFailure("FunctionTimeoutException", str(error), str(error))
        return FunctionFailure(type(error).__name__, str(error), user_traceback(error, self._root))


class FunctionTimeoutError(Exception):
    """A function ran longer than `functionTimeout` allows."""


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
