"""Recording histories, and finding the very turn at which today's orchestrators part from them."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import azure.durable_functions as df
import pytest
from click.testing import CliRunner
from localazure.cli import main
from localazure.durable.events import EventType
from localazure.testing import BadHistory, History, HistoryDiverged, Hub, read_hub, replay

STORIES = {
    "approve": lambda hub: hub.start("approve", {"n": 1}).raise_event("approval"),
    "timed_out": lambda hub: (hub.start("approve", {"n": 1}), hub.advance(hours=24)),
    "insist": lambda hub: (hub.on("charge", None).fail(), hub.start("insist"), hub.advance(hours=1)),
    "fan_out": lambda hub: hub.start("fan_out", ["a", "b", "c"]),
    "sleepers": lambda hub: (hub.start("sleepers", [5, 6]), hub.advance(hours=1)),
    "parent": lambda hub: (hub.start("parent", instance_id="p"), hub.raise_event("p:child", "approval")),
    "count": lambda hub: hub.start("count", 3),
    "waiting": lambda hub: hub.start("approve"),
    "terminated": lambda hub: hub.start("approve").terminate("enough"),
    "suspended": lambda hub: (hub.start("approve", instance_id="s").suspend(), hub.instance("s").resume()),
}


@pytest.mark.parametrize("story", STORIES)
def test_every_kind_of_history_replays(hub: Hub, orchestrators: SimpleNamespace, story: str, tmp_path: Path) -> None:
    STORIES[story](hub)
    for number, instance in enumerate(hub.instances()):
        file = tmp_path / f"{number}.json"
        instance.record(file)
        replay(file, orchestrators=vars(orchestrators).values())


def test_continued_executions_replay(make_hub: Any) -> None:
    def countdown(context: Any) -> Any:
        left = context.get_input()
        yield context.call_activity("note", left)
        if left:
            context.continue_as_new(left - 1)
        return "lift off"

    hub = make_hub(orchestrators=[countdown])
    order = hub.start("countdown", 2)
    assert order.wait().output == "lift off"
    replay(order.recorded(), orchestrators=[countdown])


def test_a_history_is_readable(hub: Hub, tmp_path: Path) -> None:
    order = hub.start("pay", {"n": 1}, instance_id="o-1")
    order.record(tmp_path / "histories" / "pay.json")
    content = json.loads((tmp_path / "histories" / "pay.json").read_text())
    assert list(content) == ["orchestrator", "instanceId", "input", "output", "history"]
    assert (content["orchestrator"], content["instanceId"], content["output"]) == ("pay", "o-1", "charged")
    assert json.loads(content["input"]) == {"n": 1}
    assert History.read(tmp_path / "histories" / "pay.json") == order.recorded()


def two_steps(context: Any) -> Any:
    yield context.call_activity("note", "first")
    yield context.create_timer(context.current_utc_datetime + timedelta(minutes=1))
    yield context.call_activity("charge")
    return "done"


def renamed(context: Any) -> Any:
    yield context.call_activity("note", "first")
    yield context.create_timer(context.current_utc_datetime + timedelta(minutes=1))
    yield context.call_activity("charge_card")
    return "done"


def without_timer(context: Any) -> Any:
    yield context.call_activity("note", "first")
    yield context.call_activity("charge")
    return "done"


def with_one_more(context: Any) -> Any:
    yield context.call_activity("note", "first")
    yield context.create_timer(context.current_utc_datetime + timedelta(minutes=1))
    yield context.call_activity("charge")
    yield context.call_activity("note", "last")
    return "done"


def in_parallel(context: Any) -> Any:
    yield context.task_all([context.call_activity("note", "first"), context.call_activity("note", "again")])
    return "done"


def other_output(context: Any) -> Any:
    yield context.call_activity("note", "first")
    yield context.create_timer(context.current_utc_datetime + timedelta(minutes=1))
    yield context.call_activity("charge")
    return "finished"


def broken(context: Any) -> Any:
    yield context.call_activity("note", "first")
    raise KeyError("customer")


DIVERGENCES = {
    renamed: ("TASK_SCHEDULED", "CALL_ACTIVITY charge", "CALL_ACTIVITY charge_card"),
    without_timer: ("TIMER_CREATED", "CREATE_TIMER", "CALL_ACTIVITY charge"),
    with_one_more: ("ORCHESTRATOR_COMPLETED", "nothing more", "CALL_ACTIVITY note"),
    other_output: ("ORCHESTRATOR_COMPLETED", 'completed with "done"', 'completed with "finished"'),
    broken: ("ORCHESTRATOR_COMPLETED", "to go on", "failed: 'customer'"),
}


@pytest.mark.parametrize("changed", DIVERGENCES, ids=lambda each: each.__name__)
def test_changed_code_is_found_at_the_event_that_it_contradicts(make_hub: Any, changed: Any) -> None:
    hub = make_hub(orchestrators=[two_steps])
    order = hub.start("two_steps", instance_id="o-1")
    hub.advance(minutes=1)
    history = order.recorded()
    kind, expected, got = DIVERGENCES[changed]
    changed.__name__ = "two_steps"

    with pytest.raises(HistoryDiverged) as diverged:
        replay(history, orchestrators=[changed])

    found = diverged.value
    assert (found.instance_id, found.expected, found.got) == ("o-1", expected, got)
    assert history.events[found.event]["EventType"] == EventType[kind]
    assert str(found) == f"instance 'o-1', event {found.event}: expected {expected}, got {got}"


def test_a_divergence_is_found_though_the_end_would_be_the_same(make_hub: Any) -> None:
    """Swapping two steps gives the same actions in the end, but not in each turn."""

    def ordered(context: Any) -> Any:
        yield context.call_activity("note", 1)
        yield context.call_activity("charge")

    def swapped(context: Any) -> Any:
        yield context.call_activity("charge")
        yield context.call_activity("note", 1)

    swapped.__name__ = "ordered"
    history = make_hub(orchestrators=[ordered]).start("ordered").recorded()
    with pytest.raises(HistoryDiverged, match="event 2: expected CALL_ACTIVITY note, got CALL_ACTIVITY charge"):
        replay(history, orchestrators=[swapped])


def test_a_timer_that_is_no_longer_cancelled_diverges(make_hub: Any, orchestrators: SimpleNamespace) -> None:
    def approve(context: Any) -> Any:
        deadline = context.create_timer(context.current_utc_datetime + timedelta(hours=24))
        approval = context.wait_for_external_event("approval")
        winner = yield context.task_any([approval, deadline])
        return "timed out" if winner is deadline else (yield context.call_activity("charge", context.get_input()))

    hub = make_hub()
    order = hub.start("approve")
    order.raise_event("approval")
    with pytest.raises(HistoryDiverged, match="CREATE_TIMER, cancelled, got CREATE_TIMER, not cancelled"):
        replay(order.recorded(), orchestrators=[approve])
    forgetful = make_hub(orchestrators=[approve]).start("approve")
    forgetful.raise_event("approval")
    with pytest.raises(HistoryDiverged, match="expected a timer that goes on, got a timer that is cancelled"):
        replay(forgetful.recorded(), orchestrators=[orchestrators.approve])


def test_parallel_steps_in_place_of_one_diverge(make_hub: Any) -> None:
    history = make_hub(orchestrators=[two_steps]).start("two_steps").recorded()
    in_parallel.__name__ = "two_steps"
    with pytest.raises(HistoryDiverged, match="expected nothing, got CALL_ACTIVITY note"):
        replay(history, orchestrators=[in_parallel])


def test_an_orchestrator_that_is_gone_diverges(hub: Hub) -> None:
    history = hub.start("pay").recorded()
    with pytest.raises(HistoryDiverged, match="expected an orchestrator 'pay', got an app that has two_steps"):
        replay(history, orchestrators=[two_steps])


def test_files_that_are_no_histories_are_named(tmp_path: Path) -> None:
    for name, text in {"text": "{", "list": "[]", "empty": "{}", "hollow": _hollow()}.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(BadHistory, match=name):
            replay(tmp_path / name, df.Blueprint())


def _hollow() -> str:
    return json.dumps({"orchestrator": "x", "instanceId": "i", "input": None, "history": [{"EventType": 12}]})


@pytest.fixture
def recorded(apps: Path, tmp_path: Path) -> Path:
    """A folder with the history of an app's instance."""
    with Hub(apps / "durable") as hub:
        hub.start("greet_all", ["you"], instance_id="g-1").record(tmp_path / "greet.json")
        hub.start("count_twice").record(tmp_path / "count.json")
    return tmp_path


def test_the_command_counts_what_replays(recorded: Path, apps: Path) -> None:
    files = [str(file) for file in recorded.glob("*.json")]
    done = CliRunner().invoke(main, ["replay", *files, "--app", str(apps / "durable")])
    assert (done.exit_code, done.stdout) == (0, "2 histories replay.\n")


def test_the_command_prints_one_line_per_problem(recorded: Path, apps: Path) -> None:
    greet = recorded / "greet.json"
    greet.write_text(greet.read_text().replace('"functionName": "greet"', '"functionName": "hail"'))
    (recorded / "bad.json").write_text("{")
    files = [str(file) for file in sorted(recorded.glob("*.json"))]

    done = CliRunner().invoke(main, ["replay", *files, "--app", str(apps / "durable")])

    first, second = done.stdout.splitlines()
    assert done.exit_code == 1
    assert first.startswith(f"{recorded}/bad.json cannot be read: ")
    assert second.startswith(f"{greet}: instance 'g-1', event ")
    assert second.endswith(": expected CALL_ACTIVITY hail, got CALL_ACTIVITY greet")
    assert "2 of 3 histories do not replay" in done.stderr


def test_the_command_refuses_an_app_that_cannot_be_loaded(recorded: Path) -> None:
    done = CliRunner().invoke(main, ["replay", str(recorded / "greet.json"), "--app", str(recorded)])
    assert done.exit_code == 1
    assert "function_app.py was not found" in done.stderr or "host.json" in done.stderr


def test_histories_are_read_from_the_file_of_a_hub(
    make_hub: Any, orchestrators: SimpleNamespace, tmp_path: Path
) -> None:
    with make_hub(state=tmp_path) as hub:
        hub.start("pay", {"n": 1}, instance_id="a")
        hub.start("approve", instance_id="b")
    second, first = read_hub(tmp_path / "hub.sqlite", ["b", "a"])
    assert (first.output, second.output) == ("charged", None)
    replay(first, orchestrators=[orchestrators.pay])
    with pytest.raises(BadHistory, match="no instance c"):
        read_hub(tmp_path / "hub.sqlite", ["a", "c"])
