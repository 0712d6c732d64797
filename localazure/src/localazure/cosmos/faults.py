"""Faults on demand: rules that make the server fail, stall or hang up, for tests of what clients do then.

A rule is a JSON object; all of it is optional but `action`:

    {"match": {"operation": "Create", "resource": "docs", "method": "POST", "path": "^/dbs/shop/",
               "container": "orders", "id": "o1"},
     "skip": 1, "times": 2, "probability": 1.0,
     "action": {"status": 429, "subStatus": 3200, "headers": {"x-ms-retry-after-ms": "20"},
                "delayMs": 0, "drop": "none"}}

The first rule that matches decides. `skip` lets so many matching requests through, `times` ends the rule after so many
hits. A `drop` of `before` hangs up instead of processing, `after` processes and then hangs up. A delay comes first.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from localazure.cosmos.addressing import Address, Kind
from localazure.cosmos.errors import BadRequest

OPERATION_HEADER: Final = "x-ms-thinclient-proxy-operation-type"
RESOURCE_HEADER: Final = "x-ms-thinclient-proxy-resource-type"
DROPS: Final = ("none", "before", "after")


@dataclass(frozen=True, slots=True)
class Action:
    """What happens instead of, or before, processing. `status` 0 means that the request is processed."""

    status: int = 0
    substatus: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_s: float = 0.0
    drop: str = "none"


@dataclass(slots=True)
class _Rule:
    given: Mapping[str, Any]
    match: Mapping[str, str]
    action: Action
    skip: int
    times: int | None
    probability: float
    hits: int = 0


class Faults:
    """The rules in force."""

    def __init__(self) -> None:
        self._rules: list[_Rule] = []
        self._cleared = asyncio.Event()

    def add(self, given: Mapping[str, Any]) -> None:
        """Put a rule behind the others. Raises BadRequest for one that cannot be read or would never do anything."""
        try:
            self._rules.append(_rule(given))
        except (KeyError, TypeError, ValueError, AttributeError, re.error) as error:
            raise BadRequest(f"The fault rule cannot be read: {error!r}.") from error

    def list(self) -> list[dict[str, Any]]:
        """The rules in force, each with the number of its hits."""
        return [{**rule.given, "hits": rule.hits} for rule in self._rules]

    def clear(self) -> None:
        """Drop all rules, and let go of the requests that they hold up."""
        self._rules.clear()
        self._cleared.set()
        self._cleared = asyncio.Event()

    async def hold_up(self, action: Action) -> None:
        """Wait as long as an action says, or until the rules are cleared."""
        if action.delay_s:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._cleared.wait(), action.delay_s)

    def meet(self, method: str, path: str, address: Address, headers: Mapping[str, str]) -> Action | None:
        """The action for a request, if a rule hits it."""
        for rule in self._rules:
            if not _matches(rule.match, method, path, address, headers):
                continue
            if rule.skip > 0:
                rule.skip -= 1
                return None
            if rule.probability < 1.0 and random.random() >= rule.probability:  # noqa: S311  # chance, no secret
                return None
            rule.hits += 1
            if rule.times is not None and rule.hits >= rule.times:
                self._rules.remove(rule)
            return rule.action
        return None


def _rule(given: Mapping[str, Any]) -> _Rule:
    action, match = given["action"], given.get("match", {})
    _check_names(given, "match", "skip", "times", "probability", "action")
    _check_names(match, "operation", "resource", "method", "path", "container", "id")
    re.compile(match.get("path", ""))
    times = None if given.get("times") is None else int(given["times"])
    rule = _Rule(given, match, _action(action), int(given.get("skip", 0)), times, float(given.get("probability", 1.0)))
    if rule.skip < 0 or (times is not None and times < 1) or not 0 <= rule.probability <= 1:
        raise ValueError("skip is at least 0, times at least 1, probability from 0 to 1")
    return rule


def _action(given: Mapping[str, Any]) -> Action:
    _check_names(given, "status", "subStatus", "headers", "delayMs", "drop")
    action = Action(
        int(given.get("status", 0)),
        int(given.get("subStatus", 0)),
        {str(name): str(value) for name, value in given.get("headers", {}).items()},
        float(given.get("delayMs", 0)) / 1000,
        str(given.get("drop", "none")),
    )
    if action.drop not in DROPS or action.delay_s < 0 or not (action.status == 0 or 400 <= action.status < 600):
        raise ValueError("status is 400 to 599, delayMs at least 0, drop one of none, before, after")
    if action == Action():
        raise ValueError("the action does nothing")
    return action


def _check_names(given: Mapping[str, Any], *known: str) -> None:
    if unknown := set(given) - set(known):
        raise ValueError(f"{', '.join(sorted(unknown))} is not among {', '.join(known)}")


def _matches(match: Mapping[str, str], method: str, path: str, address: Address, headers: Mapping[str, str]) -> bool:
    segments = address.segments
    facts = {
        "operation": headers.get(OPERATION_HEADER, ""),
        "resource": headers.get(RESOURCE_HEADER, ""),
        "method": method,
        "container": segments[3] if len(segments) > 3 else "",
        "id": segments[5] if address.kind is Kind.ITEM else "",
    }
    exact = all(str(match[name]).lower() == fact.lower() for name, fact in facts.items() if name in match)
    return exact and re.search(match.get("path", ""), path) is not None
