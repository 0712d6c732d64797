"""Invocations that end in unusual ways: whatever user code does is a failure of that call and of nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import azure.functions as func
import pytest
from azure.functions.meta import Datum
from localazure.clock import SystemClock
from localazure.durable.functions import FunctionFailure
from localazure.host.functions import HostedFunction
from localazure.host.index import build_index
from localazure.host.invocation import Invoker, TriggerCall
from localazure.host.settings import Settings
from localazure.host.trigger_kinds import TRIGGER_KINDS

CALL = TriggerCall(Datum("{}", "json"), "test")


@pytest.fixture
async def invoker(tmp_path: Path) -> Invoker:
    return Invoker(tmp_path, SystemClock(), time_limit=None, threads=1, readers={}, writers={})


def _timer(code: Callable[..., Any]) -> HostedFunction:
    app = func.FunctionApp()
    app.schedule(arg_name="timer", schedule="0 0 0 * * *")(code)
    checks = {name: kind.check for name, kind in TRIGGER_KINDS.items()}
    [function] = build_index(app.get_functions(), Settings({}), None, checks).functions
    return function


async def _awaits_a_cancelled_task(timer: func.TimerRequest) -> None:
    task = asyncio.create_task(asyncio.sleep(60))
    task.cancel()
    await task


async def _exits(timer: func.TimerRequest) -> None:
    raise SystemExit(3)


def _exits_in_a_thread(timer: func.TimerRequest) -> None:
    raise SystemExit(3)


def _is_cancelled_in_a_thread(timer: func.TimerRequest) -> None:
    raise asyncio.CancelledError


@pytest.mark.parametrize(
    ("code", "type_name"),
    [
        (_awaits_a_cancelled_task, "CancelledError"),
        (_is_cancelled_in_a_thread, "CancelledError"),
        (_exits, "SystemExit"),
        (_exits_in_a_thread, "SystemExit"),
    ],
)
async def test_cancellation_or_exit_by_user_code_is_a_failure_like_any_other(invoker, code, type_name) -> None:
    with pytest.raises(FunctionFailure) as failed:
        await invoker.invoke(_timer(code), CALL)
    assert failed.value.type_name == type_name
    assert code.__name__ in failed.value.stack


class _Speechless(Exception):
    def __str__(self) -> str:
        raise ValueError("no words")


def _raises_what_has_no_text(timer: func.TimerRequest) -> None:
    raise _Speechless


async def test_exception_without_words_is_a_failure_like_any_other(invoker) -> None:
    with pytest.raises(FunctionFailure, match="_Speechless: <exception str") as failed:
        await invoker.invoke(_timer(_raises_what_has_no_text), CALL)
    assert failed.value.type_name == "_Speechless"


async def test_cancellation_by_the_host_is_none(invoker) -> None:
    begun = asyncio.Event()

    async def waits(timer: func.TimerRequest) -> None:
        begun.set()
        await asyncio.sleep(60)

    running = asyncio.create_task(invoker.invoke(_timer(waits), CALL))
    await begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
