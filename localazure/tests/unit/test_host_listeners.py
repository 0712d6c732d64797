"""What all listeners have in common: pauses that end early, and retries."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, TypeVar

import azure.functions as func
import pytest
from azure.functions.meta import Datum
from azure.storage.queue import QueueMessage
from localazure.durable.functions import FunctionFailure
from localazure.host.functions import Binding, HostedFunction, RetryPolicy
from localazure.host.host_json import Section
from localazure.host.index import build_index
from localazure.host.invocation import TriggerCall
from localazure.host.listener import Listener, StoppedError
from localazure.host.queue_options import QueueOptions
from localazure.host.queue_trigger import QueueListener
from localazure.host.settings import Settings
from localazure.host.trigger_kinds import TRIGGER_KINDS


class _Listener(Listener):
    async def run(self) -> None:
        """Nothing: the tests call the parts."""


class _FailingInvoker:
    """Remembers the retry context of each attempt, and fails so often."""

    def __init__(self, failures: int) -> None:
        self.attempts: list[Any] = []
        self._failures = failures

    async def invoke(self, _: HostedFunction, call: TriggerCall) -> Datum:
        self.attempts.append(call.retry)
        if len(self.attempts) <= self._failures:
            raise FunctionFailure("ValueError", f"attempt {len(self.attempts)}", "the stack")
        return Datum(None, None)


def _listener(failures: int = 0, retries: int | None = None, delay_s: float = 0) -> tuple[_Listener, _FailingInvoker]:
    app = func.FunctionApp()

    @app.schedule(arg_name="timer", schedule="0 0 0 * * *")
    def f(timer: func.TimerRequest) -> None: ...

    checks = {name: kind.check for name, kind in TRIGGER_KINDS.items()}
    [function] = build_index(app.get_functions(), Settings({}), None, checks).functions
    if retries is not None:
        delay = timedelta(seconds=delay_s)
        function = replace(function, retry=RetryPolicy(retries, delay, delay, is_exponential=False))
    invoker = _FailingInvoker(failures)
    return _Listener(function, invoker), invoker  # type: ignore[arg-type]  # all that a listener asks of an invoker


CALL = TriggerCall(Datum("{}", "json"), "test")


@pytest.mark.parametrize("end", ["wake", "stop"])
async def test_h064_pause_ends_when_the_listener_is_woken_or_stopped(end) -> None:
    listener, _ = _listener()
    pause = asyncio.create_task(listener.pause(3600))
    await asyncio.sleep(0)
    getattr(listener, end)()
    await asyncio.wait_for(pause, timeout=5)


async def test_wake_up_during_work_shortens_the_next_pause() -> None:
    listener, _ = _listener()
    listener.wake()
    await asyncio.wait_for(listener.pause(3600), timeout=5)


async def test_without_a_policy_a_failure_is_final() -> None:
    listener, invoker = _listener(failures=1)
    assert await listener.invoke_with_retries(CALL) is False
    assert [(retry.retry_count, retry.max_retry_count, retry.exception) for retry in invoker.attempts] == [(0, 0, None)]


async def test_h071_attempts_are_counted_and_know_the_failure_before() -> None:
    listener, invoker = _listener(failures=9, retries=2)
    assert await listener.invoke_with_retries(CALL) is False
    assert [retry.retry_count for retry in invoker.attempts] == [0, 1, 2]
    assert [retry.exception and retry.exception.message for retry in invoker.attempts] == [
        None,
        "ValueError: attempt 1",
        "ValueError: attempt 2",
    ]


async def test_h076_policy_without_limit_goes_on_until_success() -> None:
    listener, invoker = _listener(failures=50, retries=-1)
    assert await listener.invoke_with_retries(CALL) is True
    assert len(invoker.attempts) == 51


async def test_stopping_between_attempts_leaves_the_outcome_open() -> None:
    listener, invoker = _listener(failures=9, retries=-1, delay_s=3600)
    run = asyncio.create_task(listener.invoke_with_retries(CALL))
    while not invoker.attempts:
        await asyncio.sleep(0)
    listener.stop()
    with pytest.raises(StoppedError):
        await asyncio.wait_for(run, timeout=5)


def test_trouble_is_told_when_it_comes_and_when_it_is_over(caplog) -> None:
    caplog.set_level(logging.INFO)
    listener, _ = _listener()
    caplog.clear()
    for problem in ("no answer", "no answer", "", "", "no answer"):
        listener.complain(problem)
    assert [record.getMessage() for record in caplog.records] == [
        "no answer",
        "f: all is well again. Before: no answer",
        "no answer",
    ]


class _Queue:
    """One message. A renewal takes until it is allowed to end, and gives the message another receipt."""

    def __init__(self) -> None:
        self.url = "http://127.0.0.1/q"
        self.message = QueueMessage("aGk=")
        self.message.pop_receipt, self.message.dequeue_count = "first", 1
        self.is_renewing, self.may_end = asyncio.Event(), asyncio.Event()
        self.deleted = asyncio.Event()
        self.deleted_with = ""

    async def receive_messages(self, **_: Any) -> Any:
        message, self.message = self.message, None
        if message is not None:
            yield message

    async def update_message(self, *_: Any, **__: Any) -> Any:
        self.is_renewing.set()
        await self.may_end.wait()
        return QueueMessage("", pop_receipt="second")

    async def delete_message(self, message: QueueMessage) -> None:
        self.deleted_with = message.pop_receipt
        self.deleted.set()


class _RenewedInvoker:
    """Its function ends while the message is being renewed."""

    def __init__(self, queue: _Queue) -> None:
        self._queue = queue

    async def invoke(self, *_: Any) -> None:
        await self._queue.is_renewing.wait()
        asyncio.get_running_loop().call_soon(self._queue.may_end.set)


async def test_message_whose_renewal_is_on_its_way_is_deleted_with_its_new_receipt() -> None:
    queue = _Queue()
    listener = _queue_listener(QueueListener, queue, _RenewedInvoker(queue))
    running = asyncio.create_task(listener.run())
    await asyncio.wait_for(queue.deleted.wait(), timeout=5)
    assert queue.deleted_with == "second"
    listener.stop()
    await running


class _PausingListener(QueueListener):
    """Remembers its pauses instead of making them, and stops after eight."""

    pauses: list[float]

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        if len(self.pauses) == 8:
            self.stop()


async def test_queue_that_stays_empty_is_asked_less_and_less_often() -> None:
    queue = _Queue()
    queue.message = None
    listener = _queue_listener(_PausingListener, queue, None)
    listener.pauses = []
    await listener.run()
    assert listener.pauses[0] == 0.1
    assert listener.pauses[1:4] == sorted(listener.pauses[1:4])
    assert listener.pauses[-1] == 2, "maxPollingInterval"


Listening = TypeVar("Listening", bound=QueueListener)


def _queue_listener(kind: type[Listening], queue: _Queue, invoker: Any) -> Listening:
    """A listener to a queue that is a fake, whose messages are renewed at once."""
    clients: Any = SimpleNamespace(queue=lambda *_: queue)
    properties = {"queueName": "orders", "connection": "C"}
    function = replace(_listener()[0].function, bindings=(Binding("timer", "queueTrigger", "in", properties),))
    options = QueueOptions.read(Section("extensions.queues", {}))
    return kind(function, invoker, options, clients, visibility_s=0)
