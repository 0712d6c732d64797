"""What clients do in each experiment. Requests that a crash left without answer are asked again."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from localazure.durable.hub import TaskHub
from localazure.durable.store import InstanceQuery

from crash_lab.app import mend
from crash_lab.evidence import Evidence


@dataclass(frozen=True, slots=True)
class Step:
    """One request. `is_done` tells from the evidence whether it took effect: users look before they ask again.

    `at_once`: asked right behind the one before; else when the hub has nothing to do until a timer or a message.
    """

    name: str
    ask: Callable[[TaskHub, Path], Awaitable[Any]]
    is_done: Callable[[Evidence], bool]
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """Requests in order; then time passes until nothing is left to do.

    `same_history`: every life that ends well writes the same events; not so where a step fails only once.
    `one_by_one`: see `pace`.
    """

    steps: list[Step]
    settings: dict[str, Any] = field(default_factory=dict)  # of host.json
    same_history: bool = True
    one_by_one: bool = True


def start(name: str, instance_id: str = "one", input_json: str | None = None, *, at_once: bool = False) -> Step:
    def is_done(evidence: Evidence) -> bool:
        found = evidence.instances.get(instance_id)
        return found is not None and found.start.input == input_json

    return Step(
        f"start {name}",
        lambda hub, _: hub.start_instance(name, instance_id, input_json),
        is_done,
        at_once,
    )


def raise_event(name: str, payload: str, instance_id: str = "one", *, at_once: bool = False) -> Step:
    return Step(
        f"raise {name} {payload}",
        lambda hub, _: hub.raise_event(instance_id, name, f'"{payload}"'),
        lambda evidence: evidence.has_reached(instance_id, payload),
        at_once,
    )


def control(verb: str, reason: str, instance_id: str = "one", *, at_once: bool = False) -> Step:
    """Terminate, suspend, resume or rewind, told apart by their reasons."""
    return Step(
        f"{verb} {instance_id}",
        lambda hub, _: getattr(hub, verb)(instance_id, reason),
        lambda evidence: evidence.has_reached(instance_id, reason),
        at_once,
    )


def signal(token: str, key: str = "one", *, at_once: bool = True) -> Step:
    return Step(
        f"signal {token}",
        lambda hub, _: hub.signal_entity(f"@shelf@{key}", "put", f'"\\"{token}\\""'),
        lambda evidence: evidence.has_been_sent(token),
        at_once,
    )


PURGE = Step("purge one", lambda hub, _: hub.purge("one"), lambda evidence: "one" not in evidence.instances)
PURGE_ALL = Step(
    "purge all that has ended",
    lambda hub, _: hub.purge_matching(InstanceQuery()),
    lambda evidence: not any(each.status.is_final for each in evidence.instances.values()),
)
RESTART = Step(
    "restart with a new id",
    lambda hub, _: hub.restart("one", with_new_id=True),
    lambda evidence: len(evidence.instances) == 2,
)


async def _mend(_: TaskHub, folder: Path) -> None:
    mend(folder)


MEND = Step("mend", _mend, lambda evidence: evidence.is_mended)

SCENARIOS: dict[str, Scenario] = {
    "chain": Scenario([start("chain")]),
    "fan_out": Scenario([start("fan_out")]),
    "first_of": Scenario([start("first_of")]),
    "retries": Scenario([start("retries")], same_history=False),
    "children": Scenario([start("parent")]),
    "timers": Scenario([start("timers")]),
    "events": Scenario(
        [
            start("events"),
            raise_event("item", "item-1", at_once=True),
            raise_event("unheard", "spare-0", at_once=True),
            raise_event("ITEM", "item-2"),
            raise_event("approved", "yes-3"),
        ]
    ),
    "entities": Scenario(
        [signal("client/0", at_once=False), start("shopper", at_once=True), signal("client/1"), signal("client/2")]
    ),
    "entity_batches": Scenario(
        [signal(f"client/{number}", at_once=number > 0) for number in range(5)],
        {"maxEntityOperationBatchSize": 3},
        one_by_one=False,
    ),
    "continue_as_new": Scenario(
        [start("generations"), *(raise_event("next", f"next-{number}", at_once=number == 1) for number in range(3))]
    ),
    "suspend_resume": Scenario(
        [
            start("patient", input_json='"slow"'),
            control("suspend", "pause-1"),
            raise_event("go", "go-1"),
            control("resume", "continue-1"),
            control("suspend", "pause-2"),
            control("resume", "continue-2", at_once=True),
            raise_event("go", "go-2", at_once=True),
        ]
    ),
    "terminate": Scenario(
        [
            start("guardian"),
            control("terminate", "stop ward", "ward"),
            start("patient", "two", '"short"'),
            raise_event("go", "go-1", "two", at_once=True),
            start("sleeper", "three", at_once=True),
            control("terminate", "stop two", "two"),
            control("terminate", "stop three", "three", at_once=True),
        ]
    ),
    "terminate_at_once": Scenario(
        [start("patient"), control("terminate", "stop one", at_once=True)], same_history=False
    ),
    "rewind": Scenario([start("broken_line"), MEND, control("rewind", "rewind-1")]),
    "restart_purge": Scenario(
        [start("child"), RESTART, start("child", input_json='"again"'), PURGE, PURGE_ALL, start("child", "last")]
    ),
}

SELF_SUFFICIENT = ("chain", "fan_out", "first_of", "retries", "parent", "timers", "shopper")
HURRY = "hurry "
CROWD = "crowd "


@cache
def scenario_named(name: str) -> Scenario:
    """A scenario; `hurry NAME` is the same at full speed, `crowd SIZE SEED` is one of many instances at once."""
    if name.startswith(HURRY):
        return replace(SCENARIOS[name.removeprefix(HURRY)], one_by_one=False, same_history=False)
    if name.startswith(CROWD):
        return _crowd(*map(int, name.removeprefix(CROWD).split()))
    return SCENARIOS[name]


def _crowd(size: int, seed: int) -> Scenario:
    """Instances of all kinds and their clients' requests, each in its order, all of them shuffled into each other."""
    chance = random.Random(seed)
    kinds = [*SELF_SUFFICIENT, "events", "generations", "patient", "signals"]
    clients = [_client(chance.choice(kinds), f"{number:03}") for number in range(size)]
    steps: list[Step] = []
    while clients := [client for client in clients if client]:
        steps.append(chance.choice(clients).pop(0))
    return Scenario(steps, {"preserveUnprocessedEvents": True}, same_history=False, one_by_one=False)


def _client(kind: str, name: str) -> list[Step]:
    if kind == "signals":
        return [signal(f"{name}/{number}") for number in range(5)]
    steps = [start(kind, name, at_once=True)]
    if kind == "events":
        names = ("item", "Item", "approved")
        steps += [raise_event(event, f"{event}-{place}", name, at_once=True) for place, event in enumerate(names)]
    if kind == "generations":
        steps += [raise_event("next", f"next-{place}", name, at_once=True) for place in range(3)]
    if kind == "patient":
        steps.append(control("suspend", "pause-1", name, at_once=True))
        steps += [raise_event("go", f"go-{place}", name, at_once=True) for place in range(2)]
        steps.append(control("resume", "continue-1", name, at_once=True))
    return steps
