"""Runs a pattern: a set of states moves through the text, so every character is looked at once per state."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from localazure.cosmos.query.regex.syntax import (
    Character,
    CharacterTest,
    Choice,
    Look,
    Place,
    PlaceTest,
    Repeat,
    Sequence,
    Tree,
    parse_pattern,
)

MAX_SIZE: Final = 4_000
MAX_STEPS: Final = 400_000


class BudgetExceededError(Exception):
    """The pattern is too large, or the text too long for it."""


@dataclass(slots=True)
class _State:
    """What may happen here: read a character, pass a place, or go on to several states at no cost.

    With no `following` state the pattern is matched.
    """

    read: CharacterTest | None = None
    place: PlaceTest | None = None
    look: tuple[Machine, Look] | None = None
    following: tuple[int, ...] = ()


class Machine:
    """A compiled pattern."""

    def __init__(self, tree: Tree, room: _Budget) -> None:
        self._states = [_State()]
        self._room = room
        self._start = self._add(tree, 0)

    def search(self, text: str) -> bool:
        """Whether the pattern occurs in the text. Raises BudgetExceededError."""
        return self.run(text, _Budget(MAX_STEPS), 0, len(text), anchored=False, whole=False)

    def run(self, text: str, budget: _Budget, start: int, end: int, *, anchored: bool, whole: bool) -> bool:
        """Whether a match starts at `start` (or, unless `anchored`, later) and ends at `end` if `whole`, else by it."""
        current: set[int] = set()
        for place in range(start, end + 1):
            if place == start or not anchored:
                self._enter(self._start, current, text, place, budget)
            if 0 in current and (place == end or not whole):
                return True
            if place == end or (anchored and not current):
                return False
            following: set[int] = set()
            character = text[place]
            for number in current:
                state = self._states[number]
                if state.read and state.read(character):
                    self._enter(state.following[0], following, text, place + 1, budget)
            current = following
        return False

    def _enter(self, number: int, entered: set[int], text: str, place: int, budget: _Budget) -> None:
        """Add a state and all that it leads to without reading."""
        pending = [number]
        while pending:
            number = pending.pop()
            if number in entered:
                continue
            budget.spend()
            entered.add(number)
            state = self._states[number]
            if state.read is None and self._passes(state, text, place, budget):
                pending.extend(state.following)

    def _passes(self, state: _State, text: str, place: int, budget: _Budget) -> bool:
        if state.place:
            return state.place(text, place)
        if state.look is None:
            return True
        inner, look = state.look
        if look.behind:
            found = inner.run(text, budget, 0, place, anchored=False, whole=True)
        else:
            found = inner.run(text, budget, place, len(text), anchored=True, whole=False)
        return found is not look.negated

    def _new(self, state: _State) -> int:
        self._states.append(state)
        return len(self._states) - 1

    def _add(self, tree: Tree, following: int) -> int:
        """The state in which `tree` starts when `following` comes after it."""
        self._room.spend()
        match tree:
            case Character(test):
                return self._new(_State(read=test, following=(following,)))
            case Place(place):
                return self._new(_State(place=place, following=(following,)))
            case Look(part):
                return self._new(_State(look=(Machine(part, self._room), tree), following=(following,)))
            case Sequence(parts):
                for part in reversed(parts):
                    following = self._add(part, following)
                return following
            case Choice(options):
                return self._new(_State(following=tuple(self._add(option, following) for option in options)))
            case Repeat():
                return self._repeat(tree, following)

    def _repeat(self, tree: Repeat, following: int) -> int:
        start = following
        if tree.most is None:
            start = self._new(_State())
            self._states[start].following = (self._add(tree.part, start), following)
        else:
            for _ in range(tree.most - tree.least):
                start = self._new(_State(following=(self._add(tree.part, start), following)))
        for _ in range(tree.least):
            start = self._add(tree.part, start)
        return start


class _Budget:
    def __init__(self, steps: int) -> None:
        self._left = steps

    def spend(self) -> None:
        """Count one step. Raises BudgetExceededError after the last."""
        self._left -= 1
        if self._left < 0:
            raise BudgetExceededError


@lru_cache(maxsize=128)
def machine(pattern: str, flags: str) -> Machine:
    """The machine for a pattern under flags out of `imsx`. Raises PatternError or BudgetExceededError."""
    return Machine(parse_pattern(pattern, flags), _Budget(MAX_SIZE))
