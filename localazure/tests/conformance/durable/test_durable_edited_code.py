"""Random edits of random orchestrators under a waiting instance: it stops or goes on right, but never goes on wrong."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

from azure.durable_functions import RetryOptions
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from localazure.clock import ManualClock
from localazure.durable.hub import TaskHub

Step = list[Any]  # [kind, name] or ["all" | "any", [step, ...]]
NAMES = [f"n{number}" for number in range(8)]
KINDS = ["work", "retry", "child", "event"]
ROUNDS = 10
SIMPLE = st.tuples(st.sampled_from(KINDS), st.sampled_from(NAMES)).map(list)
STEPS = st.one_of(
    SIMPLE, st.tuples(st.sampled_from(["all", "any"]), st.lists(SIMPLE, min_size=1, max_size=3)).map(list)
)
PROGRAMS = st.lists(STEPS, min_size=1, max_size=6)
CHECKS = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


def _task(context: Any, step: Step) -> Any:
    kind, detail = step
    match kind:
        case "work":
            return context.call_activity(detail)
        case "retry":
            return context.call_activity_with_retry(detail, RetryOptions(1000, 2))
        case "child":
            return context.call_sub_orchestrator(f"child-{detail}")
        case "event":
            return context.wait_for_external_event(detail)
    tasks = [_task(context, each) for each in detail]
    return context.task_all(tasks) if kind == "all" else context.task_any(tasks)


def _is_right(step: Step, task: Any, result: Any) -> bool:
    """Every task of a step results in its own name."""
    kind, detail = step
    if kind == "all":
        return bool(result == [name for _, name in detail])
    if kind == "any":
        return any(
            each is result and each.result == name for each, (_, name) in zip(task.children, detail, strict=True)
        )
    return bool(result == detail)


class Edited:
    """A hub whose one orchestrator follows a program that may be replaced while it waits."""

    def __init__(self, rig: Any, path: Any, program: list[Step]) -> None:
        self.program = program
        self.wrong: list[Any] = []
        self._rig, self._path, self._clock = rig, path, ManualClock()
        self._functions = type(rig.functions)()
        for name in NAMES:
            self._functions.activity(lambda _, name=name: name, name)
            self._functions.orchestrator(lambda _, name=name: name, f"child-{name}")
        self._functions.orchestrator(self._run, "moody")
        self.hub = self._new_hub()

    def _new_hub(self) -> TaskHub:
        return TaskHub(self._rig.settings, self._functions, self._path, self._clock)

    def _run(self, context: Any) -> Any:
        for step in self.program:
            task = _task(context, step)
            result = yield task
            if not _is_right(step, task, result):
                self.wrong.append((step, result))
        return "done"

    async def start(self) -> None:
        await self.hub.start()
        await self.hub.start_instance("moody", "one")

    async def restart(self) -> None:
        """As a deployment would."""
        await self.hub.stop(grace_s=0)
        self._functions.sessions = type(self._functions.sessions)()
        self.hub = self._new_hub()
        await self.hub.start()

    async def raise_events(self, names: list[str]) -> None:
        """Raise an event of each name, and see where that leads."""
        for name in names:
            await self._idle()
            if (await self.hub.get("one")).status.is_final:
                return
            await self.hub.raise_event("one", name, json.dumps(name))
        await self._idle()

    async def yielded(self) -> tuple[int, bool]:
        """How many steps the history has, and whether the orchestrator has returned."""
        records = [each for each in await self.hub.history("one") if "Actions" in each]
        return sum(len(each["Actions"]) for each in records), any("Outcome" in each for each in records)

    async def _idle(self) -> None:
        async with asyncio.timeout(10):
            while not self.hub.is_idle:
                await asyncio.sleep(0.0005)


def _edited(program: list[Step], chance: random.Random) -> list[Step]:
    """The program after one edit, which may be one that changes nothing."""
    place = chance.randrange(len(program))
    before, step, after = program[:place], program[place], program[place + 1 :]
    name = chance.choice(NAMES)
    match chance.choice(["remove", "insert", "swap", "replace", "flip", "nest", "widen"]):
        case "remove":
            return before + after
        case "insert":
            return [*before, [chance.choice(KINDS), name], step, *after]
        case "swap":
            return [*before, *after[:1], step, *after[1:]]
        case "replace":
            return [*before, [chance.choice(KINDS), name], *after]
        case "flip" if step[0] in {"all", "any"}:
            return [*before, ["any" if step[0] == "all" else "all", step[1]], *after]
        case "widen" if step[0] in {"all", "any"}:
            return [*before, [step[0], [*step[1], ["work", name]]], *after]
        case _:
            return [*before, ["all", [step]] if step[0] in KINDS else step, *after]


@CHECKS
@given(PROGRAMS, st.randoms(use_true_random=False))
async def test_d090_no_edit_makes_an_instance_go_on_wrong(
    rig: Any, tmp_path_factory: Any, program: list[Step], chance: random.Random
) -> None:
    edited = Edited(rig, tmp_path_factory.mktemp("edits") / "hub.sqlite", program)
    await edited.start()
    try:
        await edited.raise_events(chance.sample(NAMES, chance.randint(0, len(NAMES))))
        steps, has_returned = await edited.yielded()
        edited.program = _edited(program, chance)
        await edited.restart()
        for _ in range(ROUNDS):
            await edited.raise_events(NAMES)
        instance = await edited.hub.get("one")
        if has_returned or edited.program[:steps] == program[:steps]:
            assert (instance.status, instance.output, edited.wrong) == ("Completed", '"done"', [])
        else:
            assert instance.status == "Failed"
            assert "Non-Deterministic workflow detected: instance 'one', " in str(instance.output)
    finally:
        await edited.hub.stop(grace_s=0)
