"""At level Debug the log says which events woke which instance."""

from __future__ import annotations

import logging
from datetime import timedelta

import azure.durable_functions as df
import pytest

LOGGER = "localazure.durable"


def woken(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if " woken by " in record.getMessage()]


async def test_log_tells_which_event_woke_an_instance(rig, caplog) -> None:
    def flaky(name):
        if not caplog.records or "TaskFailed" not in caplog.text:
            raise ValueError(name)
        return name

    def story(context):
        retry = df.RetryOptions(first_retry_interval_in_milliseconds=1_000, max_number_of_attempts=2)
        yield context.call_activity_with_retry("flaky", retry, "Ada")
        yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        yield context.wait_for_external_event("Approval")

    rig.functions.activity(flaky)
    rig.functions.orchestrator(story)
    with caplog.at_level(logging.DEBUG, LOGGER):
        await rig.client.start_new("story", "one")
        await rig.client.raise_event("one", "approval")
        await rig.finish("one")

    assert woken(caplog) == [
        f"story [instance one] woken by {what}"
        for what in (
            "ExecutionStarted story",
            "TaskFailed flaky",
            "TimerFired",
            "TaskCompleted flaky",
            "TimerFired",
            "EventRaised Approval",
        )
    ]


async def test_many_events_at_once_are_told_in_short(rig, caplog) -> None:
    def wide(context):
        yield context.task_all([context.wait_for_external_event("Item") for _ in range(9)])

    rig.functions.orchestrator(wide)
    with caplog.at_level(logging.DEBUG, LOGGER):
        await rig.client.start_new("wide", "one")
        await rig.idle()
        await rig.client.suspend("one", "")
        for number in range(9):
            await rig.client.raise_event("one", "Item", number)
        await rig.client.resume("one", "")
        await rig.finish("one")

    told = f"{', '.join(['ExecutionResumed', *['EventRaised Item'] * 4])}, 5 more"
    assert f"wide [instance one] woken by {told}" in woken(caplog)


async def test_nothing_is_told_at_the_usual_level(rig, caplog) -> None:
    def quick(context):
        return context.instance_id

    rig.functions.orchestrator(quick)
    with caplog.at_level(logging.INFO, LOGGER):
        await rig.run("quick")

    assert woken(caplog) == []
    assert caplog.records  # the instance's start and end are
