"""Random orchestrators on the hub against a direct interpreter of the same programs.

The hub runs a program by replays, with the process restarted between any two turns. Both are shown the same
completions in the same order, and must agree on what is pending and on the results.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

from azure.durable_functions import EntityId, RetryOptions
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from localazure.clock import ManualClock
from localazure.durable.hub import TaskHub

sys.path.append(str(Path(__file__).parent))  # tests are no package
from direct_interpreter import ROOT, Interpreter, Spec, World, numbered  # see the line above

RESTARTS = 0.3
CHECKS = settings(
    max_examples=20,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to shrink a program takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)

# Programs

LEAVES = st.one_of(
    st.fixed_dictionaries({"kind": st.just("work"), "fails": st.booleans()}),
    st.fixed_dictionaries({"kind": st.just("retry"), "attempts": st.integers(1, 3), "failures": st.integers(0, 3)}),
    st.fixed_dictionaries({"kind": st.sampled_from(["timer", "event", "entity"])}),
)
COMPOUNDS = st.recursive(
    LEAVES,
    lambda inner: st.fixed_dictionaries(
        {"kind": st.sampled_from(["all", "any"]), "inner": st.lists(inner, min_size=1, max_size=3)}
    ),
    max_leaves=4,
)
FLAT = st.lists(st.one_of(COMPOUNDS, st.just({"kind": "signal"})), min_size=1, max_size=4)
FIRST = st.just({"kind": "work", "fails": False})
CHILDREN = st.builds(lambda first, rest: {"kind": "child", "program": [first, *rest]}, FIRST, FLAT)
PROGRAMS = st.lists(st.one_of(COMPOUNDS, CHILDREN, st.just({"kind": "signal"})), min_size=1, max_size=5)


# The orchestrator


class Built:
    """A task of the SDK beside what it was made of."""

    def __init__(self, context: Any, spec: Spec) -> None:
        self.spec = spec
        self.inner = [Built(context, each) for each in spec.get("inner", ())]
        self.task = self._task(context, spec)

    def _task(self, context: Any, spec: Spec) -> Any:
        key, duration = spec["key"], timedelta(milliseconds=spec["ms"])
        match spec["kind"]:
            case "work":
                return context.call_activity(f"work-{key}", key)
            case "retry":
                return context.call_activity_with_retry(f"work-{key}", RetryOptions(spec["ms"], spec["attempts"]), key)
            case "timer":
                return context.create_timer(context.current_utc_datetime + duration)
            case "event":
                return context.wait_for_external_event(key)
            case "entity":
                return context.call_entity(EntityId("total", context.instance_id), f"add-{key}", 1)
            case "child":
                return context.call_sub_orchestrator("child", spec["program"], key)
            case "all":
                return context.task_all([each.task for each in self.inner])
        return context.task_any([each.task for each in self.inner])

    def read(self, result: Any) -> Any:
        """The result as data; a result that belongs to another task is told as wrong."""
        kind, key = self.spec["kind"], self.spec["key"]
        if isinstance(result, Exception):
            found = re.search(r"!(k\d+)!", str(result))
            return ["error", found[1] if found else str(result)]
        if kind == "all":
            return [each.read(value) for each, value in zip(self.inner, result, strict=True)]
        if kind == "any":
            place = next(place for place, each in enumerate(self.inner) if each.task is result)
            return ["won", place, self.inner[place].read(result.result)]
        expected = {"work": key, "retry": key, "event": key, "timer": None}.get(kind, result)
        return result if result == expected else ["WRONG", key, result]


def statements(context: Any, program: list[Spec], results: list[Any]) -> Any:
    for spec in program:
        if spec["kind"] == "signal":
            context.signal_entity(EntityId("total", context.instance_id), f"add-{spec['key']}", 1)
            continue
        built = Built(context, spec)
        try:
            results.append(built.read((yield built.task)))
        except Exception as caught:  # noqa: BLE001  # the SDK raises nothing narrower
            results.append(built.read(caught))
    return results


# The hub


class Stage:
    """A hub whose activities end when told so, which can be restarted at any moment."""

    def __init__(self, rig: Any, path: Any, generations: list[list[Spec]]) -> None:
        self.generations = generations
        self.functions = type(rig.functions)()
        self.clock = ManualClock()
        self._settings, self._path = rig.settings, path
        self.gates: dict[str, asyncio.Future[str]] = {}
        self.hub = TaskHub(self._settings, self.functions, path, self.clock)
        self._register()

    def _register(self) -> None:
        for key in _keys([spec for program in self.generations for spec in program]):
            self.functions.activity(self._work, f"work-{key}")

        @self.functions.entity
        def total(context: Any) -> None:
            context.set_state(context.get_state(lambda: 0) + context.get_input())
            context.set_result(context.get_state())

        @self.functions.orchestrator
        def child(context: Any) -> Any:
            return (yield from statements(context, context.get_input(), []))

        @self.functions.orchestrator
        def root(context: Any) -> Any:
            number, results = context.get_input()
            results = yield from statements(context, self.generations[number], results)
            if number + 1 < len(self.generations):
                context.continue_as_new([number + 1, results])
                return None
            return results

    async def _work(self, key: str) -> str:
        self.gates[key] = asyncio.get_running_loop().create_future()
        return await self.gates[key]

    async def start(self) -> None:
        await self.hub.start()
        await self.hub.start_instance(ROOT, ROOT, json.dumps(json.dumps([0, []])))

    async def restart(self) -> None:
        await self.hub.stop(grace_s=0)
        self.gates.clear()
        self.functions.sessions = type(self.functions.sessions)()
        self.hub = TaskHub(self._settings, self.functions, self._path, self.clock)
        await self.hub.start()

    def release(self, key: str, *, fails: bool) -> None:
        gate = self.gates.pop(key)
        if fails:
            gate.set_exception(RuntimeError(f"!{key}!"))
        else:
            gate.set_result(key)

    def move(self, moment_ms: int) -> None:
        self.clock.advance(milliseconds=moment_ms - self.now_ms)
        self.hub.fire_due_timers()

    @property
    def now_ms(self) -> int:
        return round((self.clock.now() - ManualClock().now()) / timedelta(milliseconds=1))

    async def settled(self, pending: set[str] | None = None) -> None:
        """Until nothing moves but for these activities, or those that happen to wait."""
        hub = self.hub
        async with asyncio.timeout(10):
            while not (
                hub._orchestrations.is_idle
                and hub._entities.is_idle
                and len(hub._activities._running) == len(self.gates)
                and (pending is None or set(self.gates) == pending)
            ):
                await asyncio.sleep(0.0005)


def _keys(program: list[Spec]) -> Iterator[str]:
    for spec in program:
        yield spec["key"]
        yield from _keys(spec.get("inner", []))
        yield from _keys(spec.get("program", []))


async def _one_turn(stage: Stage, world: World, chance: random.Random) -> None:
    """Let one thing happen in both worlds, or several activities of one orchestration end at once."""
    chosen = chance.choice(sorted([*world.work, *world.events, *(["timer"] if world.timers else [])]))
    if chosen == "timer":
        world.fire()
        stage.move(world.now)
    elif chosen in world.events:
        node = world.events.pop(chosen)
        await stage.hub.raise_event(node.process.instance_id, chosen, json.dumps(chosen))
        node.finish(chosen)
    else:
        siblings = [key for key, node in world.work.items() if node.process is world.work[chosen].process]
        for key in chance.sample(siblings, chance.randint(1, len(siblings))):
            stage.release(key, fails=world.work[key].complete())
    world.drain()


@CHECKS
@given(st.lists(PROGRAMS, min_size=1, max_size=2), st.randoms(use_true_random=False))
async def test_any_program_gives_what_it_gives_without_a_hub(
    rig: Any, tmp_path_factory: Any, generations: list[list[Spec]], chance: random.Random
) -> None:
    numbers = count(1)
    generations = [numbered(program, numbers) for program in generations]
    stage = Stage(rig, tmp_path_factory.mktemp("programs") / "hub.sqlite", generations)
    interpreter = Interpreter(generations)
    await stage.start()
    try:
        while interpreter.results is None:
            await stage.settled(set(interpreter.world.work))
            if chance.random() < RESTARTS:
                await stage.restart()
                await stage.settled(set(interpreter.world.work))
            await _one_turn(stage, interpreter.world, chance)
        await stage.settled(set())
        instance = await stage.hub.get(ROOT)
        assert (instance.status, json.loads(instance.output or "null")) == ("Completed", interpreter.results)
    finally:
        await stage.hub.stop(grace_s=0)
