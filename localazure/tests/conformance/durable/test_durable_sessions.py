"""Generators that are kept between turns: that they are, when they are not, and that nobody can tell the difference."""

from __future__ import annotations

from collections.abc import Callable, Generator
from datetime import timedelta
from typing import Any

import pytest

Steps = Generator[Any, Any, Any]
pytestmark = pytest.mark.parametrize("make_rig", [True], indirect=True, ids=["kept"])


@pytest.fixture
async def rig(make_rig: Any) -> Any:
    """A hub that keeps generators for a minute."""
    return await make_rig(extended_sessions=True, session_idle_s=60)


class Counted:
    """An orchestrator that waits for events, and how often its code began."""

    def __init__(self, rig: Any, waits: int = 3) -> None:
        self.begun = 0
        self.seen: list[tuple[bool, str, str]] = []  # what a step saw of the context
        self._waits = waits
        rig.functions.orchestrator(self._code(), "counted")

    def _code(self) -> Callable[[Any], Steps]:
        def counted(context: Any) -> Steps:
            self.begun += 1
            values = []
            for _ in range(self._waits):
                self._note(context)
                values.append((yield context.wait_for_external_event("go")))
            self._note(context)
            return [*values, str(context.new_uuid())]

        return counted

    def _note(self, context: Any) -> None:
        self.seen.append((context.is_replaying, context.current_utc_datetime.isoformat(), str(context.new_uuid())))


async def _go(rig: Any, count: int = 1) -> None:
    for _ in range(count):
        rig.advance(seconds=1)
        await rig.client.raise_event("one", "go", 1)
        await rig.idle()


async def _begin(rig: Any, name: str = "counted") -> None:
    await rig.client.start_new(name, "one")
    await rig.idle()


async def test_code_runs_once_and_no_session_is_left_behind(rig: Any) -> None:
    counted = Counted(rig)
    await _begin(rig)
    assert len(rig.functions.sessions) == 1
    await _go(rig, 3)
    assert (await rig.hub.get("one")).status == "Completed"
    assert (counted.begun, len(rig.functions.sessions)) == (1, 0)


async def test_a_kept_generator_sees_what_a_replayed_one_sees(make_rig: Any, tmp_path: Any) -> None:
    seen, outputs = [], []
    for kept in (True, False):
        rig = await make_rig(tmp_path / f"{kept}.sqlite", extended_sessions=kept)
        counted = Counted(rig)
        await _begin(rig)
        await _go(rig, 3)
        seen.append([step for step in counted.seen if not step[0]])
        outputs.append((await rig.hub.get("one")).output)
    assert seen[0] == seen[1]
    assert len(seen[0]) == 4
    assert len({uuid for _, _, uuid in seen[0]}) == 4
    assert outputs[0] == outputs[1]


async def test_a_kept_generator_is_never_replaying(rig: Any) -> None:
    counted = Counted(rig)
    await _begin(rig)
    await _go(rig, 3)
    assert [replaying for replaying, _, _ in counted.seen] == [False] * 4


async def test_an_evicted_generator_is_replayed(rig: Any) -> None:
    counted = Counted(rig)
    await _begin(rig)
    rig.functions.forget_orchestrator("one")
    await _go(rig)
    assert counted.begun == 2
    await _go(rig, 2)
    assert counted.begun == 2
    assert [replaying for replaying, _, _ in counted.seen] == [False, True, False, False, False]


async def test_a_restart_replays_and_keeps_again(rig: Any) -> None:
    counted = Counted(rig)
    await _begin(rig)
    await _go(rig)
    await rig.restart()
    await _go(rig, 2)
    assert counted.begun == 2
    assert (await rig.hub.get("one")).status == "Completed"


async def test_a_generation_that_continues_as_new_gets_a_generator_of_its_own(rig: Any) -> None:
    begun = []

    @rig.functions.orchestrator
    def generations(context: Any) -> Steps:
        begun.append(context.get_input())
        number = context.get_input() or 0
        yield context.wait_for_external_event("go")
        if number == 2:
            return number
        context.continue_as_new(number + 1)

    await _begin(rig, "generations")
    await _go(rig, 3)
    assert begun == [None, 1, 2]
    assert (await rig.hub.get("one")).output == "2"


async def test_a_rewound_instance_is_replayed(rig: Any) -> None:
    begun, broken = [], [True]

    @rig.functions.activity
    def fragile(_: Any) -> str:
        if broken:
            raise RuntimeError("broken")
        return "whole"

    @rig.functions.orchestrator
    def frail(context: Any) -> Steps:
        begun.append(context.is_replaying)
        yield context.wait_for_external_event("go")
        return (yield context.call_activity("fragile"))

    await _begin(rig, "frail")
    await _go(rig)
    assert (await rig.hub.get("one")).status == "Failed"
    broken.clear()
    await rig.hub.rewind("one", "repaired")
    assert (await rig.finish("one")).output == '"whole"'
    assert len(begun) == 2


async def test_a_session_that_cannot_go_on_is_replayed(rig: Any) -> None:
    counted = Counted(rig)
    await _begin(rig)
    (session,) = rig.functions.sessions._kept.values()
    session.orchestrator._executor.process_event = None
    await _go(rig, 3)
    assert counted.begun == 2
    assert (await rig.hub.get("one")).status == "Completed"


async def test_an_exception_of_kept_code_fails_the_instance_without_a_second_run(rig: Any) -> None:
    begun = []

    @rig.functions.orchestrator
    def fails(context: Any) -> Steps:
        begun.append(1)
        yield context.wait_for_external_event("go")
        raise ValueError("no more")

    await _begin(rig, "fails")
    await _go(rig)
    failed = await rig.hub.get("one")
    assert (failed.status, begun) == ("Failed", [1])
    assert failed.output == "Orchestrator function 'fails' failed: no more"


async def test_histories_of_a_kept_generator_grow_with_its_turns(rig: Any) -> None:
    lengths = []

    @rig.functions.orchestrator
    def reads(context: Any) -> Steps:
        for _ in range(3):
            lengths.append(len(context.histories))
            yield context.create_timer(context.current_utc_datetime + timedelta(seconds=1))
        return [event.timestamp.year for event in context.histories]

    assert set(await rig.output("reads")) == {2026}
    assert lengths == [2, 4, 6]
