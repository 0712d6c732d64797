"""What an orchestrator sees of itself, and how it may end."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

VALUES = [None, {"a": 1, "b": [None]}, [1, "x"], "text", "5", 7, 1.5, True]


async def test_d001_the_context_has_every_field_and_a_probe_sees_them(rig: Any) -> None:
    contexts = []
    call = rig.functions.call_orchestrator

    async def watched(name: str, instance_id: str, context_json: str, *code: Any) -> str:
        contexts.append(json.loads(context_json))
        return str(await call(name, instance_id, context_json, *code))

    rig.functions.call_orchestrator = watched

    @rig.functions.orchestrator
    def probe(context: Any) -> Any:
        return [context.instance_id, context.parent_instance_id, context.current_utc_datetime.isoformat()]
        yield

    @rig.functions.orchestrator
    def parent(context: Any) -> Any:
        return (yield context.call_sub_orchestrator("probe", {"a": 1}, "probe-2"))

    at = "2026-01-01T00:00:00+00:00"
    assert await rig.output("probe") == [contexts[0]["instanceId"], None, at]
    assert json.loads((await rig.run("parent", None, "parent-1")).output) == ["probe-2", "parent-1", at]
    context = next(each for each in contexts if "instanceId" in each and each["instanceId"] == "probe-2")
    assert [each["EventType"] for each in context.pop("history")] == [12, 0]
    assert context == {
        "input": '{"a": 1}',
        "instanceId": "probe-2",
        "isReplaying": False,
        "parentInstanceId": "parent-1",
        "upperSchemaVersion": 1,
        "upperSchemaVersionNew": 2,
        "defaultHttpAsyncRequestSleepTimeMillseconds": 30_000,
    }


@pytest.mark.parametrize("value", VALUES)
async def test_d002_input_given_to_the_client_arrives(rig: Any, value: Any) -> None:
    @rig.functions.orchestrator
    def echo(context: Any) -> Any:
        return [context.get_input()]
        yield

    assert await rig.output("echo", value) == [value]


@pytest.mark.parametrize(
    ("body", "value"), [('{"a":1}', {"a": 1}), ("[1]", [1]), ("5", 5), ('"5"', 5), ('"x"', "x"), ("", None)]
)
async def test_d003_input_posted_over_http_arrives(rig: Any, body: str, value: Any) -> None:
    @rig.functions.orchestrator
    def echo(context: Any) -> Any:
        return [context.get_input()]
        yield

    status, started, _ = await rig.call("POST", "orchestrators/echo", data=body)
    assert status == 202
    status, view, _ = await rig.call("GET", f"instances/{(await rig.finish(started['id'])).start.instance_id}")
    assert (status, view["output"]) == (200, [value])


async def test_d004_code_is_replayed_except_when_it_runs_for_the_first_time(rig: Any) -> None:
    runs: dict[int, list[bool]] = {}
    rig.functions.activity(lambda value: value, "same")

    @rig.functions.orchestrator
    def steps(context: Any) -> Any:
        for number in range(4):
            runs.setdefault(number, []).append(context.is_replaying)
            yield context.call_activity("same", number)

    await rig.output("steps")
    assert list(runs) == [0, 1, 2, 3]
    assert all(flags == [False] + [True] * (len(flags) - 1) for flags in runs.values())


async def test_d004_a_guarded_line_is_logged_once(rig: Any, caplog: pytest.LogCaptureFixture) -> None:
    log = logging.getLogger("app")
    caplog.set_level(logging.INFO, "app")
    rig.functions.activity(lambda value: value, "same")

    @rig.functions.orchestrator
    def steps(context: Any) -> Any:
        for number in range(3):
            yield context.call_activity("same", number)
            if not context.is_replaying:
                log.info("step %d", number)

    await rig.output("steps")
    assert [each.message for each in caplog.records if each.name == "app"] == ["step 0", "step 1", "step 2"]


@pytest.fixture
async def points(rig: Any) -> dict[int, set[tuple[str, str]]]:
    """The time and the GUID that each step of an orchestration saw in all its replays; three seconds lie between."""
    seen: dict[int, set[tuple[str, str]]] = {}

    @rig.functions.activity
    def later(_: Any) -> None:
        rig.clock.advance(seconds=3)

    @rig.functions.orchestrator
    def steps(context: Any) -> Any:
        for number in range(3):
            point = (context.current_utc_datetime.isoformat(), context.new_uuid())
            seen.setdefault(number, set()).add(point)
            yield context.call_activity("later")
        yield context.wait_for_external_event("go")

    instance_id = await rig.client.start_new("steps")
    await rig.idle()
    await rig.restart()
    await rig.client.raise_event(instance_id, "go")
    await rig.finish(instance_id)
    return seen


async def test_d005_the_time_of_a_point_stays_the_same_and_never_decreases(points: Any) -> None:
    times = [{time for time, _ in each} for each in points.values()]
    assert [len(each) for each in times] == [1, 1, 1]
    assert [each.pop() for each in times] == [f"2026-01-01T00:00:0{second}+00:00" for second in (0, 3, 6)]


async def test_d006_guids_are_the_same_in_every_replay(points: Any) -> None:
    guids = [{guid for _, guid in each} for each in points.values()]
    assert [len(each) for each in guids] == [1, 1, 1]
    assert len(set.union(*guids)) == 3


@pytest.mark.parametrize(("value", "shown"), [(None, None), (0, "0"), ("", '""'), (False, "false")])
async def test_d007_falsy_results_are_kept(rig: Any, value: Any, shown: str | None) -> None:
    @rig.functions.orchestrator
    def returns(context: Any) -> Any:
        return value
        yield

    assert (await rig.run("returns")).output == shown


async def test_d008_an_exception_without_message_still_has_a_text(rig: Any) -> None:
    @rig.functions.orchestrator
    def fails(context: Any) -> Any:
        raise ValueError
        yield

    instance = await rig.run("fails")
    assert instance.status == "Failed"
    assert "ValueError" in instance.output


async def test_d009_a_failure_names_its_orchestrator(rig: Any) -> None:
    @rig.functions.orchestrator
    def fails(context: Any) -> Any:
        raise ValueError("no\n\nluck")
        yield

    assert (await rig.run("fails")).output == "Orchestrator function 'fails' failed: no\n\nluck"


async def test_d010_output_that_is_not_json_fails(rig: Any) -> None:
    @rig.functions.orchestrator
    def returns(context: Any) -> Any:
        return object()
        yield

    instance = await rig.run("returns")
    assert instance.status == "Failed"
    assert "not JSON serializable" in instance.output


async def test_d010_an_async_orchestrator_and_a_returned_task_fail(rig: Any) -> None:
    @rig.functions.orchestrator
    def forgets_to_yield(context: Any) -> Any:
        return context.call_activity("same")

    async def asynchronous(_: Any) -> Any:
        return 1

    rig.functions.orchestrator(asynchronous)
    for name in ("forgets_to_yield", "asynchronous"):
        instance = await rig.run(name)
        assert (instance.status, name in instance.output) == ("Failed", True)


async def test_d011_a_plain_function_completes_or_fails(rig: Any) -> None:
    rig.functions.orchestrator(lambda context: context.get_input(), "plain")

    @rig.functions.orchestrator
    def raises(context: Any) -> Any:
        raise RuntimeError("x")

    assert await rig.output("plain", 5) == 5
    instance = await rig.run("raises")
    assert (instance.status, instance.output) == ("Failed", "Orchestrator function 'raises' failed: RuntimeError: x")


async def test_d012_yielding_something_else_than_a_task_fails(rig: Any) -> None:
    @rig.functions.orchestrator
    def wrong(context: Any) -> Any:
        yield 5

    @rig.functions.orchestrator
    def right(context: Any) -> Any:
        return "fine"
        yield

    assert (await rig.run("wrong")).status == "Failed"
    assert await rig.output("right") == "fine"
