"""`localazure show` and the hub's part of `localazure status`, on the file of a hub that runs or has stopped."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import azure.durable_functions as df
import pytest
from click.testing import CliRunner, Result
from localazure.cli import main
from localazure.insight.hub_file import HubFile
from localazure.insight.timeline import Kind, Row, State, Timeline, timeline_of
from localazure.state import StateFolder

RETRY = df.RetryOptions(first_retry_interval_in_milliseconds=5_000, max_number_of_attempts=3)
COUNTER = df.EntityId("counter", "one")
Show = Callable[..., Result]


@pytest.fixture
async def hub(rig) -> AsyncIterator[object]:
    """A hub with activities that work, fail, or fail at first."""
    attempts: list[str] = []

    def flaky(name):
        attempts.append(name)
        if len(attempts) < 3:
            raise TimeoutError(f"no answer to {name}")
        return {"answered": name}

    def refuse(name):
        raise KeyError(name)

    def counter(context):
        context.set_state(context.get_state(lambda: 0) + context.get_input())
        context.set_result(context.get_state())

    def wait(context):
        timer = context.create_timer(context.current_utc_datetime + timedelta(days=2))
        winner = yield context.task_any([context.wait_for_external_event("Approval"), timer])
        timer.cancel()
        return winner.result

    rig.functions.activity(flaky)
    rig.functions.activity(refuse)
    rig.functions.activity(lambda name: f"Hello {name}", "greet")
    rig.functions.entity(counter)
    rig.functions.orchestrator(wait)
    return rig


@pytest.fixture
def run(tmp_path: Path) -> Show:
    """Runs `localazure` with the hub's folder as its state."""
    return lambda *arguments: CliRunner().invoke(main, [*arguments, "--state", str(tmp_path)])


def timeline(path: Path, instance_id: str) -> Timeline:
    with HubFile.opened(path) as opened:
        loaded = opened.load(instance_id)
    assert loaded is not None
    return timeline_of(loaded)


def rows(path: Path, instance_id: str, *kinds: Kind) -> list[Row]:
    return [row for row in timeline(path, instance_id).rows if not kinds or row.kind in kinds]


async def test_every_attempt_has_its_row_and_its_pause(hub) -> None:
    def retried(context):
        return (yield context.call_activity_with_retry("flaky", RETRY, "Ada"))

    hub.functions.orchestrator(retried)
    await hub.run("retried", instance_id="one")

    first, second, third = rows(hub.store_path, "one", Kind.ACTIVITY)
    assert [(each.attempt, each.attempts, each.state) for each in (first, second, third)] == [
        (1, 3, State.FAILED),
        (2, 3, State.FAILED),
        (3, 3, State.DONE),
    ]
    assert "no answer to Ada" in first.detail
    assert first.due is not None
    assert first.ended is not None
    assert first.due - first.ended == timedelta(seconds=5)
    assert second.began >= first.due
    assert json.loads(third.detail) == {"answered": "Ada"}


async def test_timeline_tells_what_happened_in_its_order(hub) -> None:
    def story(context):
        context.set_custom_status("begun")
        yield context.call_entity(COUNTER, "add", 2)
        context.signal_entity(COUNTER, "add", 3)
        yield context.task_all([context.call_activity("greet", name) for name in ("Ada", "Bob")])
        timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        yield context.task_any([timer, context.wait_for_external_event("Go")])
        timer.cancel()
        try:
            yield context.call_activity("refuse", "x")
        except Exception:  # noqa: BLE001  # what the SDK raises
            yield context.create_timer(context.current_utc_datetime + timedelta(minutes=1))
        return "told"

    hub.functions.orchestrator(story)
    await hub.client.start_new("story", "one", {"for": "you"})
    await hub.idle()
    hub.advance(seconds=90)
    await hub.client.raise_event("one", "go", "now")
    await hub.finish("one")

    told = rows(hub.store_path, "one")
    assert [(row.kind, row.name, row.state) for row in told] == [
        (Kind.STARTED, "story", State.DONE),
        (Kind.STATUS, "", State.DONE),
        (Kind.ENTITY, "@counter@one add", State.DONE),
        (Kind.SIGNAL, "@counter@one add", State.DONE),
        (Kind.ACTIVITY, "greet", State.DONE),
        (Kind.ACTIVITY, "greet", State.DONE),
        (Kind.TIMER, "", State.CANCELED),
        (Kind.EVENT, "Go", State.DONE),
        (Kind.ACTIVITY, "refuse", State.FAILED),
        (Kind.TIMER, "", State.DONE),
        (Kind.ENDED, "completed", State.DONE),
    ]
    assert told[2].detail == "2"
    assert told[7].ended is not None
    assert told[7].ended - told[7].began == timedelta(seconds=90)
    assert timeline(hub.store_path, "one").open == []


async def test_live_instance_tells_what_it_waits_for(hub, run: Show) -> None:
    await hub.client.start_new("wait", "one")
    await hub.idle()

    waits = timeline(hub.store_path, "one").open
    assert [(row.kind, row.name) for row in waits] == [(Kind.EVENT, "Approval"), (Kind.TIMER, "")]
    shown = run("show", "one").output
    assert "Waits for\n  ✉ event 'Approval', since" in shown
    assert "◷ timer, since" in shown

    await hub.client.suspend("one", "holiday")
    await hub.idle()
    assert "‖ being resumed" in run("show", "one").output


async def test_returned_orchestrator_with_an_open_timer_says_why_it_runs(hub, run: Show) -> None:
    def forgetful(context):
        timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        yield context.task_any([timer, context.call_activity("greet", "Ada")])
        return "done"

    hub.functions.orchestrator(forgetful)
    await hub.client.start_new("forgetful", "one")
    await hub.idle()

    shown = timeline(hub.store_path, "one")
    assert shown.returned
    assert [row.kind for row in shown.open] == [Kind.TIMER]
    assert "The orchestrator has returned; the instance ends when these have." in run("show", "one").output


async def test_task_behind_a_broken_fan_out_is_told_as_not_begun(hub) -> None:
    def hasty(context):
        try:
            yield context.task_all(
                [context.call_activity("refuse", 1), context.call_activity_with_retry("flaky", RETRY, 2)]
            )
        except Exception:  # noqa: BLE001  # what the SDK raises
            yield context.call_activity("greet", "Ada")

    hub.functions.orchestrator(hasty)
    await hub.client.start_new("hasty", "one")
    await hub.idle()

    held = [row for row in timeline(hub.store_path, "one").open if row.state == State.HELD]
    assert [row.name for row in held] == ["greet"]
    await hub.finish("one")
    assert [row.state for row in rows(hub.store_path, "one", Kind.ACTIVITY) if row.name == "greet"] == [State.DONE]


async def test_children_are_drawn_below_their_rows(hub, run: Show) -> None:
    def child(context):
        return (yield context.call_activity("greet", "Ada"))

    def parent(context):
        return (yield context.call_sub_orchestrator("child", None, "the-child"))

    hub.functions.orchestrator(child)
    hub.functions.orchestrator(parent)
    await hub.run("parent", instance_id="the-parent")

    alone, family = run("show", "the-parent").output, run("show", "the-parent", "--children").output
    assert "↳ child" in alone
    assert "greet" not in alone
    lines = [line[26:].split("  ·")[0].split("  ━")[0].rstrip() for line in family.splitlines()[3:9]]
    assert lines == ["▶ started", "↳ child", "  ▶ started", "  ● greet", "  ■ completed", "■ completed"]
    assert "child of the-parent" in run("show", "the-child").output
    raw = json.loads(run("show", "the-parent", "--children", "--json").output)
    assert [each["instance"]["instanceId"] for each in raw["children"]] == ["the-child"]


async def test_failed_terminated_and_rewound_instances_are_drawn(hub, run: Show) -> None:
    def fail(context):
        yield context.call_activity("refuse", "x")

    hub.functions.orchestrator(fail)
    await hub.run("fail", instance_id="failed")
    await hub.client.start_new("wait", "stopped")
    await hub.idle()
    await hub.client.terminate("stopped", "no longer wanted")
    await hub.finish("stopped")

    failed = run("show", "failed").output
    assert "● refuse" in failed
    assert "KeyError: 'x'" in failed
    assert "Failure\n  Orchestrator function 'fail' failed" in failed
    stopped = run("show", "stopped").output
    assert "‖ terminated" in stopped
    assert "the instance has ended without it" in stopped
    assert "Reason  no longer wanted" in stopped
    await hub.client.rewind("failed", "try again")
    await hub.finish("failed")
    assert "‖ rewound" in run("show", "failed").output


async def test_instance_that_continued_as_new_shows_its_latest_run(hub, run: Show) -> None:
    def again(context):
        number = context.get_input()
        yield context.call_activity("greet", number)
        if number < 3:
            context.continue_as_new(number + 1)
        return number

    hub.functions.orchestrator(again)
    await hub.run("again", 1, instance_id="one")

    shown = run("show", "one").output
    assert "run 3" in shown
    assert shown.count("● greet") == 1
    assert "Output  3" in shown


async def test_fan_out_of_a_thousand_is_read_in_good_time(hub) -> None:
    def wide(context):
        return len((yield context.task_all([context.call_activity("greet", each) for each in range(1_000)])))

    hub.functions.orchestrator(wide)
    await hub.run("wide", instance_id="one")

    done = rows(hub.store_path, "one", Kind.ACTIVITY)
    assert len(done) == 1_000
    assert {row.state for row in done} == {State.DONE}


async def test_part_of_an_id_is_enough_when_it_is_the_only_one(hub, run: Show) -> None:
    for instance_id in ("order:acme:17", "order:acme:18", "order:acme:1"):
        await hub.client.start_new("wait", instance_id)
    await hub.idle()

    assert "wait  order:acme:18\n" in run("show", "order:acme:18").output
    assert "wait  order:acme:1\n" in run("show", "order:acme:1").output
    assert "wait  order:acme:17\n" in run("show", "17").output
    ambiguous = run("show", "order:acme")
    assert ambiguous.exit_code == 1
    assert "'order:acme' may be any of these:" in ambiguous.output
    assert all(f"order:acme:{number}  wait  Running" in ambiguous.output for number in (1, 17, 18))
    unknown = run("show", "order:umbrella")
    assert unknown.exit_code == 1
    assert "No instance has 'order:umbrella' in its id." in unknown.output


async def test_stopped_hub_is_shown_and_left_as_it_is(hub, run: Show) -> None:
    await hub.client.start_new("wait", "one")
    await hub.idle()
    await hub.hub.stop()
    before = hub.store_path.read_bytes()

    shown, status = run("show", "one"), run("status")
    assert "✉ Approval" in shown.output
    assert "The system is stopped" in shown.output
    assert status.exit_code == 1
    assert "Task hub, as it was when the system stopped" in status.output
    assert "Nothing runs on" in status.output
    assert hub.store_path.read_bytes() == before
    await hub.hub.start()
    assert (await hub.hub.get("one")).status == "Running"


async def test_status_counts_instances_waits_and_entities(hub, run: Show) -> None:
    def quick(context):
        return (yield context.call_activity("greet", "Ada"))

    hub.functions.orchestrator(quick)
    await hub.run("quick", instance_id="quick-1")
    for number in (1, 2):
        await hub.client.start_new("wait", f"wait-{number}")
    await hub.client.signal_entity(COUNTER, "add", 1)
    await hub.idle()

    told = json.loads(run("status", "--json").stdout)
    assert told["running"] is False  # no server holds the folder; the hub itself does run
    assert told["hub"]["instances"] == {"quick": {"Completed": 1}, "wait": {"Running": 2}}
    assert told["hub"]["waitsFor"] == {"activities": {}, "events": {"Approval": 2}, "timers": 2}
    assert told["hub"]["entities"] == {"counter": 1}
    assert [each["instanceId"] for each in told["hub"]["oldest"]] == ["wait-1", "wait-2"]
    lines = [line.split() for line in run("status").output.splitlines()]
    assert ["Running", "Completed"] in lines
    assert ["wait", "2", "-"] in lines
    assert ["event", "Approval", "2"] in lines
    assert ["counter", "1"] in lines


async def test_status_of_a_running_system_tells_processes_and_instances(hub, run: Show, tmp_path: Path) -> None:
    await hub.client.start_new("wait", "one")
    await hub.idle()
    folder = StateFolder(tmp_path)

    with folder.locked():
        folder.write_pids({"server": 17})
        folder.write_endpoints({"api": "http://127.0.0.1:7071/api"})
        told, raw = run("status"), json.loads(run("status", "--json").output)
        shown = run("show", "one").output

    assert told.exit_code == 0
    assert told.output.startswith("server     pid 17\napi        http://127.0.0.1:7071/api\n\nTask hub\n")
    assert "Oldest at work\n  one  wait  Running" in told.output
    assert "stopped" not in shown
    assert (raw["running"], raw["processes"], raw["hub"]["instances"]) == (
        True,
        {"server": 17},
        {"wait": {"Running": 1}},
    )


async def test_file_that_is_no_hub_is_named(run: Show, tmp_path: Path) -> None:
    assert "There is no task hub in" in run("show", "one").output
    (tmp_path / "hub.sqlite").write_text("this is no database, however long it is made to be" * 100)

    refused = run("show", "one")
    assert refused.exit_code == 1
    assert "hub.sqlite cannot be read: file is not a database" in refused.output
