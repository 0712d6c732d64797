"""Threads for plain functions, and the one time limit of all invocations."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextvars import ContextVar
from datetime import timedelta

import pytest
from localazure.host.running import Running
from localazure.host.threads import Threads

WHO: ContextVar[str] = ContextVar("who", default="nobody")


@pytest.fixture
def threads() -> Iterator[Threads]:
    threads = Threads("test", 3, patience_s=0.01)
    yield threads
    threads.close()


async def test_results_and_errors_come_back_to_their_callers(threads: Threads) -> None:
    def fail() -> None:
        raise KeyError("no")

    assert await asyncio.gather(*(threads.run(lambda n=n: n) for n in range(50))) == list(range(50))
    with pytest.raises(KeyError, match="no"):
        await threads.run(fail)


async def test_a_stop_iteration_reaches_its_caller_as_an_error(threads: Threads) -> None:
    with pytest.raises(RuntimeError, match="raised StopIteration"):
        await threads.run(lambda: next(iter(())))


async def test_a_call_sees_the_context_of_its_caller(threads: Threads) -> None:
    WHO.set("me")
    assert await threads.run(WHO.get) == "me"


async def test_calls_that_block_get_threads_of_their_own(threads: Threads) -> None:
    together = threading.Barrier(3)
    await asyncio.wait_for(asyncio.gather(*(threads.run(lambda: together.wait(10)) for _ in range(3))), 10)


async def test_one_thread_serves_all_short_calls(threads: Threads) -> None:
    names = await asyncio.gather(*(threads.run(lambda: threading.current_thread().name) for _ in range(30)))
    assert len(set(names)) == 1


async def test_helpers_come_while_a_thread_is_stuck(threads: Threads) -> None:
    release = threading.Event()
    stuck = threads.run(lambda: release.wait(10))
    done = threads.run(lambda: "done")
    assert await asyncio.wait_for(done, 10) == "done"
    assert threads.busy == 1
    release.set()
    assert await stuck


async def test_what_is_done_is_fetched_though_the_next_call_is_stuck(threads: Threads) -> None:
    release = threading.Event()
    done, stuck = threads.run(lambda: "done"), threads.run(lambda: release.wait(10))
    assert await asyncio.wait_for(done, 10) == "done"
    release.set()
    assert await stuck


async def test_a_close_cancels_what_has_not_begun(threads: Threads) -> None:
    release, entered = threading.Event(), threading.Event()

    def hold() -> None:
        entered.set()
        release.wait(10)

    running = threads.run(hold)
    await asyncio.to_thread(entered.wait, 10)
    waiting = threads.run(lambda: None)
    threads.close()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    release.set()
    await running


async def _limited(limit: Running, seconds: float) -> str:
    task = asyncio.current_task()
    assert task is not None
    limit.begin(task)
    try:
        return await asyncio.sleep(seconds, "done")
    except asyncio.CancelledError:
        if limit.has_expired(task):
            return "late"
        raise
    finally:
        limit.end(task)


async def test_each_invocation_has_the_whole_time(caplog: pytest.LogCaptureFixture) -> None:
    limit = Running(timedelta(milliseconds=50))
    late = [asyncio.create_task(_limited(limit, 60)) for _ in range(2)]
    assert await _limited(limit, 0) == "done"
    for task in late:
        assert await asyncio.wait_for(task, 10) == "late"
        assert task.cancelling() == 0
    assert not caplog.records


async def test_a_cancellation_by_others_is_no_time_out() -> None:
    limit = Running(timedelta(minutes=1))
    task = asyncio.create_task(_limited(limit, 60))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_without_a_limit_nothing_is_watched() -> None:
    assert await _limited(Running(None), 0) == "done"
