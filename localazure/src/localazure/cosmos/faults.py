"""Faults on demand: rules that make the server fail, stall or hang up, for tests of what clients do then.

A rule is a JSON object; all of it is optional but `action`:

    {"match": {"operation": "Create", "resource": "docs", "method": "POST", "path": "^/dbs/shop/",
               "container": "orders", "id": "o1"},
     "skip": 1, "times": 2, "probability": 1.0,
     "action": {"status": 429, "subStatus": 3200, "headers": {"x-ms-retry-after-ms": "20"},
                "delayMs": 0, "drop": "none"}}

The first rule that matches decides. `skip` lets so many matching requests through, `times` ends the rule after so many
hits. A `drop` of `before` hangs up instead of processing, `after` processes and then hangs up.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from localazure.cosmos.addressing import Address, Kind
from localazure.cosmos.errors import BadRequest

OPERATION_HEADER: Final = "x-ms-thinclient-proxy-operation-type"
RESOURCE_HEADER: Final = "x-ms-thinclient-proxy-resource-type"


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

    def add(self, given: Mapping[str, Any]) -> None:
        """Put a rule behind the others. Raises BadRequest for one that cannot be read."""
        try:
            action, match = given["action"], given.get("match", {})
            re.compile(match.get("path", ""))
            made = Action(
                int(action.get("status", 0)),
                int(action.get("subStatus", 0)),
                {str(name): str(value) for name, value in action.get("headers", {}).items()},
                float(action.get("delayMs", 0)) / 1000,
                str(action.get("drop", "none")),
            )
            times = None if given.get("times") is None else int(given["times"])
            skip, probability = int(given.get("skip", 0)), float(given.get("probability", 1.0))
        except (KeyError, TypeError, ValueError, AttributeError, re.error) as error:
            raise BadRequest(f"The fault rule cannot be read: {error!r}.") from error
        self._rules.append(_Rule(given, match, made, skip, times, probability))

    def list(self) -> list[dict[str, Any]]:
        """The rules in force, each with the number of its hits."""
        return [{**rule.given, "hits": rule.hits} for rule in self._rules]

    def clear(self) -> None:
        """Drop all rules."""
        self._rules.clear()

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
