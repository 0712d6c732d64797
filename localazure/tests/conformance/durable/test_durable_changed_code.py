"""Code that changed under a waiting instance: the instance stops, and its failure says where they differ."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from azure.durable_functions import EntityId, RetryOptions

PREFIX = "Orchestrator function 'moody' failed: Non-Deterministic workflow detected: instance 'one', "
RETRY = RetryOptions(1000, 2)


def _a(context: Any) -> Any:
    return context.call_activity("a")


def _b(context: Any) -> Any:
    return context.call_activity("b")


def _all(context: Any) -> Any:
    return context.task_all([_a(context), _b(context)])


def _any(context: Any) -> Any:
    return context.task_any([_a(context), _b(context)])


def _timer(context: Any) -> Any:
    return context.create_timer(context.current_utc_datetime)


def _entity(operation: str) -> Callable[[Any], Any]:
    return lambda context: context.call_entity(EntityId("box", "k"), operation)


def _child(name: str) -> Callable[[Any], Any]:
    return lambda context: context.call_sub_orchestrator(name)


def _nested(context: Any) -> Any:
    return context.task_all([context.task_all([_a(context)]), _b(context)])


def _retried(context: Any) -> Any:
    return context.call_activity_with_retry("a", RETRY)


def _go(context: Any) -> Any:
    return context.wait_for_external_event("go")


def _went(context: Any) -> Any:
    return context.wait_for_external_event("went")


def _wide(context: Any) -> Any:
    return context.task_all([_a(context), _b(context), context.call_activity("c")])


@pytest.fixture
def moody(rig: Any) -> Callable[..., None]:
    """Sets the tasks that the orchestrator yields, one after the other; before each it may be told to raise."""
    steps: list[Any] = []
    for name in ("a", "b", "c"):
        rig.functions.activity(lambda _: None, name)

    @rig.functions.entity
    def box(context: Any) -> None:
        context.set_result(None)

    for name in ("child", "other"):
        rig.functions.orchestrator(lambda _: None, name)

    @rig.functions.orchestrator
    def moody(context: Any) -> Any:
        for step in steps:
            if step is None:
                raise ValueError("lost my way")
            yield step(context)

    def set_steps(*wanted: Any) -> None:
        steps[:] = wanted

    return set_steps


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        ([_a, _go], [_b, _go], "event 0 (action 0): expected CALL_ACTIVITY a, got CALL_ACTIVITY b"),
        ([_a, _go], [_timer, _go], "event 0 (action 0): expected CALL_ACTIVITY a, got CREATE_TIMER"),
        ([_a, _go], [_go], "event 0 (action 0): expected CALL_ACTIVITY a, got WAIT_FOR_EVENT go"),
        ([_a, _b, _go], [_b, _a, _go], "event 0 (action 0): expected CALL_ACTIVITY a, got CALL_ACTIVITY b"),
        ([_b, _a, _go], [_b, _timer, _a, _go], "event 1 (action 1): expected CALL_ACTIVITY a, got CREATE_TIMER"),
        ([_a, _b, _go], [_a, _b], "action 2: expected WAIT_FOR_EVENT go, got nothing"),
        ([_a, _go], [_a, _went], "action 1: expected WAIT_FOR_EVENT go, got WAIT_FOR_EVENT went"),
        ([_all, _go], [_any, _go], "event 0 (action 0): expected WHEN_ALL(CALL_ACTIVITY a, CALL_ACTIVITY b), "),
        ([_all, _go], [_nested, _go], "got WHEN_ALL(WHEN_ALL(CALL_ACTIVITY a), CALL_ACTIVITY b)"),
        ([_all, _go], [_wide, _go], "action 0: expected nothing, got CALL_ACTIVITY c"),
        ([_wide, _go], [_all, _go], "event 2 (action 0): expected CALL_ACTIVITY c, got nothing"),
        ([_all, _go], [_a, _b, _go], "event 1 (action 0): expected CALL_ACTIVITY b, got nothing"),
        ([_a, _go], [_retried, _go], "event 0 (action 0): expected CALL_ACTIVITY a, got CALL_ACTIVITY_WITH_RETRY a"),
        ([_entity("x"), _go], [_entity("y"), _go], "expected CALL_ENTITY @box@k x, got CALL_ENTITY @box@k y"),
        ([_child("child"), _go], [_child("other"), _go], "expected CALL_CHILD child, got CALL_CHILD other"),
        ([_a, _go], [_b, None], "event 0 (action 0): expected CALL_ACTIVITY a, got CALL_ACTIVITY b"),
    ],
)
async def test_d090_changed_code_fails_the_instance_where_it_differs(
    rig: Any, moody: Callable[..., None], before: list[Any], after: list[Any], text: str
) -> None:
    moody(*before)
    await rig.client.start_new("moody", "one")
    await rig.idle()
    moody(*after)
    await rig.restart()
    await rig.client.raise_event("one", "go")
    instance = await rig.finish("one")
    assert instance.status == "Failed"
    assert instance.output.startswith(PREFIX)
    assert text in instance.output


async def test_code_that_only_goes_on_differently_is_not_refused(rig: Any, moody: Callable[..., None]) -> None:
    moody(_a, _go)
    await rig.client.start_new("moody", "one")
    await rig.idle()
    moody(_a, _go, _b, _timer)
    await rig.restart()
    await rig.client.raise_event("one", "go")
    assert (await rig.finish("one")).status == "Completed"


async def test_code_that_raises_earlier_than_before_fails_with_its_own_error(
    rig: Any, moody: Callable[..., None]
) -> None:
    moody(_a, _b, _go)
    await rig.client.start_new("moody", "one")
    await rig.idle()
    moody(_a, None)
    await rig.restart()
    await rig.client.raise_event("one", "go")
    assert (await rig.finish("one")).output == "Orchestrator function 'moody' failed: lost my way"


async def test_a_timer_that_is_no_longer_cancelled_is_noticed(rig: Any) -> None:
    cancels = [True]
    rig.functions.activity(lambda _: None, "a")

    @rig.functions.orchestrator
    def moody(context: Any) -> Any:
        timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        yield context.task_any([_a(context), timer])
        if cancels[0]:
            timer.cancel()
        yield _go(context)

    await rig.client.start_new("moody", "one")
    await rig.idle()
    cancels[0] = False
    await rig.restart()
    await rig.client.raise_event("one", "go")
    instance = await rig.finish("one")
    assert "event 1 (action 0): expected CREATE_TIMER, cancelled, got CREATE_TIMER, not cancelled" in instance.output


async def test_an_operator_sees_what_differs_and_repaired_code_goes_on_after_a_rewind(
    rig: Any, moody: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    moody(_a, _go, _b)
    await rig.client.start_new("moody", "one")
    await rig.idle()
    moody(_b, _go, _b)
    await rig.restart()
    with caplog.at_level(logging.ERROR):
        await rig.client.raise_event("one", "go")
        await rig.finish("one")
        await rig.idle()
    assert "moody [instance one] is Failed: " in caplog.text
    assert "expected CALL_ACTIVITY a, got CALL_ACTIVITY b" in caplog.text
    _, view, _ = await rig.call("GET", "instances/one?showHistory=true&showHistoryOutput=true")
    assert (view["runtimeStatus"], view["historyEvents"][-1]["Result"]) == ("Failed", view["output"])
    moody(_a, _go, _b)
    await rig.client.rewind("one", "the former code is back")
    assert (await rig.finish("one")).status == "Completed"
