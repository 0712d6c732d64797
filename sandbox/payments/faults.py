"""Trouble on purpose: rules by which requests are delayed, turned away, broken, or cut off.

A rule looks at the requests of one operation (`*`: of every one), lets the first `skip` pass, and strikes the next
`times`. Its action may combine a delay with one kind of trouble:

- status 429 or 503: turned away before anything happened; an idempotency key keeps nothing
- status 500: fails after execution began and changes nothing; an idempotency key keeps the 500, as at Stripe
- drop "before": the connection breaks and nothing happened
- drop "after": everything happened, then the connection breaks

Rules live in memory: a restart of the simulator ends all trouble.
"""

from __future__ import annotations

from itertools import count
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr, model_validator


class Action(BaseModel):
    """What befalls a struck request."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    status: Literal[429, 500, 503] | None = None
    delay_ms: int = Field(default=0, ge=0, le=600_000)
    drop: Literal["before", "after"] | None = None

    @model_validator(mode="after")
    def _one_kind_of_trouble(self) -> Action:
        if self.status and self.drop:
            raise ValueError("choose either a status or a drop")
        if not (self.status or self.drop or self.delay_ms):
            raise ValueError("an action needs a status, a delay_ms or a drop")
        return self


class Rule(BaseModel):
    """One rule as it is posted; `skip` and `times` count down as requests come."""

    model_config = ConfigDict(extra="forbid")

    operation: str
    skip: int = Field(default=0, ge=0)
    times: int = Field(default=1, ge=1)
    action: Action
    _hits: int = PrivateAttr(default=0)

    @property
    def hits(self) -> int:
        """How many requests this rule has struck."""
        return self._hits

    def strike(self) -> Action:
        """Count one struck request."""
        self.times -= 1
        self._hits += 1
        return self.action


NO_TROUBLE = Action.model_construct()


class Faults:
    """The rules in force, oldest first."""

    def __init__(self) -> None:
        self._rules: dict[int, Rule] = {}
        self._numbers = count(1)

    def add(self, rule: Rule) -> int:
        """Put a rule into force; its number."""
        number = next(self._numbers)
        self._rules[number] = rule.model_copy()
        return number

    def clear(self) -> None:
        self._rules.clear()

    def listed(self) -> list[dict[str, object]]:
        """The rules with what is left of `skip` and `times`, and their hits so far."""
        return [
            {"id": number, "hits": rule.hits, **rule.model_dump(exclude_none=True)}
            for number, rule in self._rules.items()
        ]

    def strike(self, operation: str) -> Action:
        """What befalls the request that has just come: the oldest rule that has nothing left to skip strikes."""
        for number, rule in self._rules.items():
            if rule.operation not in (operation, "*"):
                continue
            if rule.skip:
                rule.skip -= 1
                continue
            action = rule.strike()
            if not rule.times:
                del self._rules[number]
            return action
        return NO_TROUBLE
