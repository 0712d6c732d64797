"""What an orchestrator sees of itself, and how it may end."""

from __future__ import annotations

from typing import Any

import pytest

VALUES = [None, {"a": 1, "b": [None]}, [1, "x"], "text", "5", 7, 1.5, True]


async def test_d001_an_orchestrator_sees_its_instance_and_the_time(rig: Any) -> None:
    @rig.functions.orchestrator
    def probe(context: Any) -> Any:
        return [context.instance_id, context.parent_instance_id, context.current_utc_datetime.isoformat()]
        yield

    instance = await rig.run("probe", instance_id="probe-1")
    assert instance.output == '["probe-1", null, "2026-01-01T00:00:00+00:00"]'


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
    first_runs: list[int] = []
    rig.functions.activity(lambda value: value, "same")

    @rig.functions.orchestrator
    def steps(context: Any) -> Any:
        for number in range(4):
            if not context.is_replaying:
                first_runs.append(number)
            yield context.call_activity("same", number)

    await rig.output("steps")
    assert first_runs == [0, 1, 2, 3]


async def test_d005_d006_time_and_guids_are_the_same_in_every_replay(rig: Any) -> None:
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

    await rig.output("steps")
    assert [len(points) for points in seen.values()] == [1, 1, 1]
    times = [next(iter(points))[0] for points in seen.values()]
    assert times == sorted(times)
    assert len(set(times)) == 3


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
