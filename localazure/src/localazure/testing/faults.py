"""Faults by rule: what happens to the n-th invocation of a function, or around the commit of its result.

Around user code a rule acts in `WatchedFunctions`; around a commit in `CommitWatch`, on the thread that writes.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any, Self

from localazure.durable.entity_ids import split
from localazure.durable.observer import Change


class Moment(StrEnum):
    """When a rule acts. Around the commit it can only crash."""

    BEFORE = "before"
    AFTER = "after"
    BEFORE_COMMIT = "before_commit"
    AFTER_COMMIT = "after_commit"


AROUND_CODE = frozenset({Moment.BEFORE, Moment.AFTER})


@dataclass(frozen=True)
class Fail:
    """Raise instead of running (before), or although it ran (after)."""

    error: Exception


@dataclass(frozen=True)
class Delay:
    """Keep it back for a time on the hub's clock."""

    by: timedelta


@dataclass(frozen=True)
class Hold:
    """Keep it back until the test releases it."""


@dataclass(frozen=True)
class Reorder:
    """Keep it back until nothing else can run."""


@dataclass(frozen=True)
class Duplicate:
    """Run it a second time, as a work item is that was delivered twice; the second result counts."""


@dataclass(frozen=True)
class Crash:
    """Drop the hub's memory."""


Action = Fail | Delay | Hold | Reorder | Duplicate | Crash


class Rule:
    """Made by `Hub.on`. One of the methods that name a fault completes it; it counts from then on.

    `fired` says how often it has acted: assert it, or a rule that meets nothing makes a test that proves nothing.
    """

    def __init__(self, name: str, n: int | None, instance_id: str | None, add: Callable[[Rule], None]) -> None:
        self.name = name
        self.fired = 0
        self.action: Action = Hold()
        self.moment = Moment.BEFORE
        self._n = n
        self._instance_id = instance_id
        self._add = add
        self._seen = 0
        self._release: Callable[[], None] = lambda: None

    def fail(self, error: Exception | str = "failed by a rule of the test", *, when: str = "before") -> Self:
        """Raise `error`. `when="after"`: once the function has run, so that its effect is there all the same."""
        return self._complete(Fail(RuntimeError(error) if isinstance(error, str) else error), when)

    def delay(self, *, when: str = "after", **duration: float) -> Self:
        """Let the result come `timedelta(**duration)` late on the hub's clock; `when="before"`: run it late."""
        return self._complete(Delay(timedelta(**duration)), when)

    def hold(self, *, when: str = "after") -> Self:
        """Keep the result back until `release`; `when="before"`: do not even begin."""
        return self._complete(Hold(), when)

    def reorder(self, *, when: str = "after") -> Self:
        """Let the result come after everything that can happen without it and without time passing."""
        return self._complete(Reorder(), when)

    def duplicate(self) -> Self:
        """Run the function twice; the second result counts."""
        return self._complete(Duplicate(), Moment.AFTER)

    def crash(self, when: str = "before") -> Self:
        """End the hub without warning and open it again from its file.

        "before" the function runs, "after" its effect, "before_commit" of its result or "after_commit".
        """
        return self._complete(Crash(), when)

    def release(self) -> None:
        """Let go what this rule holds, and keep nothing back any more."""
        self._n = 0
        self._release()

    def on_release(self, release: Callable[[], None]) -> None:
        """What `release` does."""
        self._release = release

    def counts(self, name: str, instance_id: str) -> bool:
        """Take note of an invocation or commit; whether it is the one."""
        of_this_instance = self._instance_id is None or instance_id == self._instance_id
        if not of_this_instance or name.lower() != self.name.lower():
            return False
        self._seen += 1
        if self._n is not None and self._seen != self._n:
            return False
        self.fired += 1
        return True

    def _complete(self, action: Action, when: str) -> Self:
        moment = Moment(when)
        if moment not in AROUND_CODE and not isinstance(action, Crash):
            raise ValueError(f"around a commit a rule can only crash; {when!r} is for crash()")
        self.action, self.moment = action, moment
        self._add(self)
        return self

    def __repr__(self) -> str:
        which = "every invocation" if self._n is None else f"invocation {self._n}"
        return f"<{type(self.action).__name__.lower()} {self.moment} {which} of {self.name!r}, fired {self.fired}>"


class Rules:
    """The rules of one hub, in the order in which they were made."""

    def __init__(self) -> None:
        self._rules: list[Rule] = []

    def add(self, rule: Rule) -> None:
        self._rules.append(rule)

    def clear(self) -> list[Rule]:
        """Forget all rules; returns them."""
        rules, self._rules = self._rules, []
        return rules

    def for_invocation(self, name: str, instance_id: str) -> list[Rule]:
        return [rule for rule in self._rules if rule.moment in AROUND_CODE and rule.counts(name, instance_id)]

    def for_commit(self, moment: Moment, name: str, instance_id: str) -> list[Rule]:
        return [rule for rule in self._rules if rule.moment is moment and rule.counts(name, instance_id)]


class SimulatedCrash(Exception):
    """Raised into the store, which then writes nothing more."""


def is_unforeseen(record: logging.LogRecord) -> bool:
    """A filter for the hub's log: the store takes a simulated crash for the end of the world and says so."""
    return not (record.exc_info and isinstance(record.exc_info[1], SimulatedCrash))


class CommitWatch:
    """The hub's observer: crashes where a rule says so, and lets nothing be written once the hub is dead."""

    def __init__(self, rules: Rules, on_crash: Callable[[], None]) -> None:
        self._rules = rules
        self._on_crash = on_crash
        self._is_dead = threading.Event()

    def kill(self) -> None:
        """From now on no commit succeeds."""
        self._is_dead.set()

    def before_commit(self, changes: Sequence[Change]) -> None:
        if self._is_dead.is_set():
            raise SimulatedCrash("the hub has crashed")
        self._meet(Moment.BEFORE_COMMIT, changes)

    def after_commit(self, changes: Sequence[Change]) -> None:
        if not self._is_dead.is_set():
            self._meet(Moment.AFTER_COMMIT, changes)

    def _meet(self, moment: Moment, changes: Sequence[Change]) -> None:
        met = [rule for change in changes for rule in self._rules.for_commit(moment, *_function_of(change))]
        if met:
            self.kill()
            self._on_crash()
            raise SimulatedCrash(f"{met[0]!r}")


def _function_of(change: Change) -> tuple[str, str]:
    """The name of the function whose result a change holds, and the id of its instance or entity."""
    subject: Any = change.subject
    match change.kind:
        case "finish_activity":
            return subject.name, subject.instance_id
        case "commit":
            return subject.decision.start.name, subject.decision.start.instance_id
        case "commit_entity":
            return split(subject.entity_id)[0], subject.entity_id
    return "", ""
