"""Random orchestrators on the hub against a direct interpreter of the same programs, and against their own edits.

A program is data: statements that await a task or signal an entity; tasks nest. The hub runs it by replays, with the
process restarted between any two turns. `Process` below runs it as a reader would by hand: no history, no replay, no
task ids. Both are shown the same completions in the same order, and must agree on what is pending and on the results.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import Any

from azure.durable_functions import EntityId, RetryOptions
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from localazure.clock import ManualClock
from localazure.durable.hub import TaskHub

Spec = dict[str, Any]
ROOT = "root"
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


def numbered(
    program: list[Spec], numbers: Iterator[int], *, succeeds: bool = False, inside: bool = False
) -> list[Spec]:
    """A copy in which every task has a name of its own, and timers durations whose sums all differ.

    In a `task_all` inside another compound nothing fails: when a sibling ends after the failure, the SDK raises.
    """
    copies = []
    for spec in program:
        number = next(numbers)
        copy = {**spec, "key": f"k{number}", "ms": 3 ** (number % 24)}
        spares = succeeds or (inside and spec["kind"] == "all")
        if spares:
            copy |= {"fails": False, "failures": 0}
        if "inner" in spec:
            copy["inner"] = numbered(spec["inner"], numbers, succeeds=spares, inside=True)
        if "program" in spec:
            copy["program"] = numbered(spec["program"], numbers)
        copies.append(copy)
    return copies


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


# The direct interpreter


@dataclass
class World:
    """What is pending everywhere, and the time."""

    now: int = 0
    work: dict[str, Node] = field(default_factory=dict)
    events: dict[str, Node] = field(default_factory=dict)
    timers: list[tuple[int, int, Callable[[], None]]] = field(default_factory=list)
    at_once: deque[Callable[[], None]] = field(default_factory=deque)
    order: Iterator[int] = field(default_factory=count)

    def after(self, due: int, action: Callable[[], None]) -> None:
        if due <= self.now:
            self.at_once.append(action)
        else:
            self.timers.append((due, next(self.order), action))

    def fire(self) -> None:
        """Move on to the next timer."""
        self.timers.sort()
        self.now = self.timers[0][0]
        while self.timers and self.timers[0][0] <= self.now:
            self.timers.pop(0)[2]()
            self.drain()

    def drain(self) -> None:
        while self.at_once:
            self.at_once.popleft()()


class Node:
    """A task that was started."""

    def __init__(self, spec: Spec, process: Process, parent: Node | None) -> None:
        self.spec, self.process, self.parent = spec, process, parent
        self.kind = spec["kind"]
        self.inner = [Node(each, process, self) for each in spec.get("inner", ())]
        self.done = self.failed = False
        self.value: Any = None
        self.attempt = 1

    @property
    def settled(self) -> bool:
        if self.kind == "all":
            return all(each.settled for each in self.inner)
        if self.kind == "any":
            return any(each.done for each in self.inner) or all(each.settled for each in self.inner)
        return self.done or self.kind in {"timer", "event"}

    def start(self) -> None:
        world, key = self.process.world, self.spec["key"]
        if self.kind not in {"all", "any", "event"}:
            self.process.open += 1
        match self.kind:
            case "work" | "retry":
                world.work[key] = self
            case "timer":
                world.after(self.process.base + self.spec["ms"], lambda: self.finish(None))
            case "event":
                world.events[key] = self
            case "entity":
                self.process.total += 1
                total = self.process.total
                world.at_once.append(lambda: self.finish(total))
            case "child":
                Process(world, key, self.spec["program"], [], self.finish).go_on()
        for each in self.inner:
            each.start()

    def complete(self) -> bool:
        """End the attempt that runs; returns whether it fails."""
        world, spec = self.process.world, self.spec
        del world.work[spec["key"]]
        fails = spec["fails"] if self.kind == "work" else self.attempt <= spec["failures"]
        if fails and self.attempt < spec.get("attempts", 1):
            self.attempt += 1
            world.after(world.now + spec["ms"], lambda: world.work.update({spec["key"]: self}))
        elif fails:
            self.failed = True
            error = ["error", spec["key"]]
            if self.kind == "retry":  # its exception comes by a timer of its own, behind what ended with it
                world.at_once.append(lambda: self.finish(error))
            else:
                self.finish(error)
        else:
            self.finish(spec["key"])
        return bool(fails)

    def finish(self, value: Any) -> None:
        self.done, self.value = True, value
        if self.kind not in {"all", "any", "event"}:
            self.process.open -= 1
        if self.parent is not None:
            self.parent.inner_finished(self)
        elif self.process.current is self:
            self.process.base = self.process.world.now
        self.process.go_on()

    def inner_finished(self, inner: Node) -> None:
        if self.done:
            return
        if self.kind == "any":
            self.finish(["won", self.inner.index(inner), inner.value])
        elif inner.failed:
            self.failed = True
            self.finish(inner.value)
        elif all(each.done for each in self.inner):
            self.finish([each.value for each in self.inner])


class Process:
    """An orchestration: its statements one after the other. It ends when all that it started has ended."""

    def __init__(
        self, world: World, instance_id: str, program: list[Spec], results: list[Any], ended: Callable[[Any], None]
    ) -> None:
        self.world, self.instance_id, self.program = world, instance_id, deque(program)
        self.results, self.ended = results, ended
        self.base, self.open, self.total = world.now, 0, 0
        self.current: Node | None = None
        self.has_ended = False

    def go_on(self) -> None:
        while not self.has_ended:
            if self.current is not None:
                if not self.current.done or (self.current.kind == "all" and not self.current.settled):
                    return
                self.results.append(self.current.value)
                self.current = None
            if not self.program:
                break
            spec = self.program.popleft()
            if spec["kind"] == "signal":
                self.total += 1
                continue
            self.current = Node(spec, self, None)
            self.current.start()
        if self.open == 0 and not self.has_ended:
            self.has_ended = True
            for key in [key for key, node in self.world.events.items() if node.process is self]:
                del self.world.events[key]
            self.ended(self.results)


class Interpreter:
    """Runs the generations of a root program; a new one keeps the results and the entity of the one before."""

    def __init__(self, generations: list[list[Spec]]) -> None:
        self.world = World()
        self.results: list[Any] | None = None
        self._left = deque(generations)
        self._next([], 0)

    def _next(self, results: list[Any], total: int) -> None:
        process = Process(self.world, ROOT, self._left.popleft(), results, lambda done: self._ended(process, done))
        process.total = total
        process.go_on()
        self.world.drain()

    def _ended(self, process: Process, results: list[Any]) -> None:
        if self._left:
            self._next(results, process.total)
        else:
            self.results = results


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
