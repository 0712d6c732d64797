"""The programs of `test_durable_programs.py`, and what they give when they are simply carried out.

A program is data: statements that await a task or signal an entity; tasks nest. `Process` runs one as a reader would
by hand: no history, no replay, no task ids.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

Spec = dict[str, Any]
ROOT = "root"
"""The instance id of the program that starts the others."""


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
