"""The app under test: one orchestrator per behaviour of the engine, and functions that leave a trace of every run."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

from azure.durable_functions import Entity, EntityId, Orchestrator, RetryOptions
from localazure.durable.functions import FunctionFailure, FunctionKind, Turn
from localazure.host.sessions import KeptOrchestrator

from crash_lab.bomb import Bomb
from crash_lab.pace import Pace

Tasks = Generator[Any, Any, Any]
SHELF = EntityId("shelf", "one")


def chain(context: Any) -> Tasks:
    done = []
    for step in "abc":
        context.set_custom_status(step)
        done.append((yield context.call_activity("work", f"chain/{step}"))["did"])
    return done


def fan_out(context: Any) -> Tasks:
    parts = yield context.task_all([context.call_activity("work", f"part/{number}") for number in range(4)])
    last = yield context.call_activity("work", "sum")
    return [part["did"] for part in parts] + [last["did"]]


def first_of(context: Any) -> Tasks:
    """A task_any loop over activities, and one between an event that never comes and an activity."""
    remaining = [context.call_activity("work", f"racer/{number}") for number in range(3)]
    done = set()
    while remaining:
        winner = yield context.task_any(remaining)
        remaining.remove(winner)
        done.add(winner.result["did"])
    winner = yield context.task_any([context.wait_for_external_event("never"), context.call_activity("work", "late")])
    return [*sorted(done), winner.result["did"]]


def retries(context: Any) -> Tasks:
    """A try that works the second time, one that never does, and a child that fails each time."""
    options = RetryOptions(1000, 2)
    done = [(yield context.call_activity_with_retry("flaky", options, "flaky"))["did"]]
    for attempt in (
        context.call_activity_with_retry("broken", options, "broken"),
        context.call_sub_orchestrator_with_retry("failing", options, "child"),
    ):
        try:
            yield attempt
        except Exception as failed:  # noqa: BLE001  # the SDK raises nothing narrower
            done.append("no such luck" in str(failed))
    return done


def failing(context: Any) -> Tasks:
    yield context.call_activity("work", "before failing")
    raise RuntimeError("no such luck")


def parent(context: Any) -> Tasks:
    """Children by generated and by given ids, one after the other and side by side; one of them fails."""
    done = [(yield context.call_sub_orchestrator("child", "first", f"{context.instance_id}-child"))]
    done += yield context.task_all([context.call_sub_orchestrator("child", name) for name in ("second", "third")])
    try:
        yield context.call_sub_orchestrator("failing", "fourth")
    except Exception as failed:  # noqa: BLE001  # the SDK raises nothing narrower
        done.append("no such luck" in str(failed))
    return done


def child(context: Any) -> Tasks:
    return (yield context.call_activity("work", f"child/{context.get_input()}"))["did"]


def timers(context: Any) -> Tasks:
    """Short, long and cancelled ones: some are due while no process runs."""
    started = context.current_utc_datetime
    yield context.create_timer(started)
    yield context.create_timer(context.current_utc_datetime + timedelta(seconds=30))
    limit = context.create_timer(context.current_utc_datetime + timedelta(days=30))
    yield context.task_any([limit, context.call_activity("work", "within the limit")])
    limit.cancel()
    yield context.task_all(
        [context.create_timer(context.current_utc_datetime + timedelta(hours=hours)) for hours in (1, 2)]
    )
    return context.current_utc_datetime - started >= timedelta(hours=2, seconds=30)


def events(context: Any) -> Tasks:
    """Two of one name, one of them early, and one in another spelling; a time-out that is won by the event."""
    done = [(yield context.wait_for_external_event("item"))]
    done.append((yield context.call_activity("work", f"saw {done[0]}"))["did"])
    done.append((yield context.wait_for_external_event("item")))
    limit = context.create_timer(context.current_utc_datetime + timedelta(days=3))
    approved = context.wait_for_external_event("Approved")
    winner = yield context.task_any([limit, approved])
    if winner is approved:
        limit.cancel()
        done.append(approved.result)
    return done


def shopper(context: Any) -> Tasks:
    """Signals and calls to one entity, a failing call, calls to two entities at once, and one that goes again."""
    name = context.instance_id
    other = EntityId("shelf", f"of {name}")
    for number in range(2):
        context.signal_entity(SHELF, "put", f"{name} signal/{number}")
    done = [(yield context.call_entity(SHELF, "put", f"{name} call/0"))]
    try:
        yield context.call_entity(SHELF, "refuse", "refused")
    except Exception as failed:  # noqa: BLE001  # the SDK raises nothing narrower
        done.append("refused" in str(failed))
    done += yield context.task_all([context.call_entity(each, "put", f"{name} call/1") for each in (SHELF, other)])
    context.signal_entity(other, "clear")
    return done


def generations(context: Any) -> Tasks:
    """Three executions; each waits, does a step and takes an event, the last one ends."""
    done = context.get_input() or []
    yield context.create_timer(context.current_utc_datetime)
    step = yield context.call_activity("work", f"generation/{len(done) // 2}")
    seen = yield context.wait_for_external_event("next")
    done += [step["did"], seen]
    if len(done) < 6:
        context.continue_as_new(done)
        return None
    return done


def patient(context: Any) -> Tasks:
    """Waits for clients: between two events it works; they suspend, resume and terminate it."""
    first = yield context.wait_for_external_event("go")
    step = yield context.call_activity("work", f"patient/{context.get_input()}/{first}")
    second = yield context.wait_for_external_event("go")
    return [step["did"], second]


def guardian(context: Any) -> Tasks:
    """Sees its waiting child terminated by a client."""
    try:
        yield context.call_sub_orchestrator("patient", "ward", "ward")
    except Exception as failed:  # noqa: BLE001  # the SDK raises nothing narrower
        return (yield context.call_activity("work", f"after the end of the child: {'stop ward' in str(failed)}"))["did"]
    return "the child was not terminated"


def sleeper(context: Any) -> Tasks:
    """Sleeps when it is terminated."""
    yield context.create_timer(context.current_utc_datetime + timedelta(days=1))


def broken_line(context: Any) -> Tasks:
    """Fails until its machines are mended: its own, and those of two children."""
    own, beside, *children = yield context.task_all(
        [
            context.call_activity("mended", "rewound/own"),
            context.call_activity("work", "rewound/beside"),
            context.call_sub_orchestrator("broken_child", "quick"),
            context.call_sub_orchestrator("broken_child", "slow"),
        ]
    )
    return [own["did"], beside["did"], *children]


def broken_child(context: Any) -> Tasks:
    if context.get_input() == "slow":
        yield context.call_activity("work", "rewound/child")
    return (yield context.call_activity("mended", f"rewound/{context.get_input()}"))["did"]


def shelf(context: Any) -> None:
    """Keeps the list of everything that was put, so that an operation applied twice shows."""
    if context.operation_name == "clear":
        context.destruct_on_exit()
        return
    items = context.get_state(list)
    if context.operation_name == "refuse":
        raise ValueError(context.get_input())
    items.append(context.get_input())
    context.set_state(items)
    context.set_result(items[-1])


ORCHESTRATORS: list[Callable[[Any], Tasks]] = [
    chain, fan_out, first_of, retries, failing, parent, child, timers, events, shopper, generations, patient, guardian,
    sleeper, broken_line, broken_child,
]  # fmt: skip
ACTIVITIES = ("work", "flaky", "broken", "mended")


class App:
    """Implements `KeepingFunctions`; every run of an activity is a line in `effects.jsonl`, written at once."""

    def __init__(self, folder: Path, life: int, bomb: Bomb, pace: Pace) -> None:
        self._effects = folder / "effects.jsonl"
        self._mended = folder / "mended"
        self._life = life
        self._bomb = bomb
        self._pace = pace
        self._orchestrators = {each.__name__: Orchestrator.create(each) for each in ORCHESTRATORS}
        self._kept: dict[str, tuple[tuple[str, int], KeptOrchestrator]] = {}
        self._entities = {"shelf": Entity.create(shelf)}
        self._known = {
            FunctionKind.ORCHESTRATOR: sorted(self._orchestrators),
            FunctionKind.ACTIVITY: list(ACTIVITIES),
            FunctionKind.ENTITY: ["shelf"],
        }

    def resolve(self, kind: FunctionKind, name: str) -> str | None:
        return name if name in self._known[kind] else None

    def names(self, kind: FunctionKind) -> list[str]:
        return self._known[kind]

    async def call_orchestrator(self, name: str, _: str, context_json: str) -> str:
        async with self._pace.turn():
            self._bomb.tick("before an episode's turn")
            return _guarded(self._orchestrators[name], context_json)

    async def continue_orchestrator(self, name: str, instance_id: str, turn: Turn) -> str:
        async with self._pace.turn():
            self._bomb.tick("before an episode's turn")
            stands_at, kept = self._kept.pop(instance_id, (None, None))
            if kept is None or stands_at != (turn.execution_id, turn.number):
                kept = KeptOrchestrator(self._orchestrators[name])
                text = _guarded(kept, turn.context())
            else:
                text = _guarded(kept.go_on, turn.news)
            self._kept[instance_id] = (turn.execution_id, turn.number + 1), kept
            return text

    def forget_orchestrator(self, instance_id: str) -> None:
        self._kept.pop(instance_id, None)

    async def call_entity(self, name: str, _: str, batch_json: str) -> str:
        async with self._pace.turn():
            self._bomb.tick("before an entity batch")
            result = _guarded(self._entities[name], batch_json)
            self._bomb.tick("after an entity batch")
            return result

    async def call_activity(self, name: str, instance_id: str, input_json: str) -> str:
        async with self._pace.turn():
            self._bomb.tick("before an activity's effect")
            result = self._perform(name, instance_id, json.loads(input_json))
            self._bomb.tick("after an activity's effect")
        if isinstance(result, FunctionFailure):
            raise result
        return json.dumps(result)

    def _perform(self, name: str, instance_id: str, step: str) -> dict[str, str] | FunctionFailure:
        """The effect, and the answer: each run has an answer of its own, so that a second one would show."""
        run = uuid4().hex
        line = {"life": self._life, "instance": instance_id, "step": step, "run": run}
        with self._effects.open("a") as effects:
            effects.write(json.dumps(line) + "\n")
        fails = {"broken": True, "mended": not self._mended.exists(), "flaky": self._runs(step) == 1}
        return FunctionFailure("RuntimeError", "no such luck") if fails.get(name) else {"did": step, "run": run}

    def _runs(self, step: str) -> int:
        return sum(json.loads(line)["step"] == step for line in self._effects.read_text().splitlines())


def _guarded(function: Callable[[Any], str], argument: str) -> str:
    try:
        return str(function(argument))
    except Exception as raised:
        raise FunctionFailure(type(raised).__name__, str(raised)) from raised


def mend(folder: Path) -> None:
    """Repair what makes `mended` fail."""
    (folder / "mended").touch()
