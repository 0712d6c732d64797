"""Trouble on purpose at what the app depends on: rules at the payment provider and at Cosmos DB."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests

from sandbox.eventually import eventually

_PATHS = {"payments": "_sandbox/faults", "cosmos": "_emulator/faults"}


class Fault:
    """A rule at one dependency, while the block runs: `await_hit` returns once it has caught a request."""

    def __init__(self, endpoints: Mapping[str, str], state: Path, part: str, rule: dict[str, Any]) -> None:
        self._url = f"{endpoints[part].rstrip('/')}/{_PATHS[part]}"
        self._verify = str(state / "tls/ca.pem")
        self._rule = rule

    def __enter__(self) -> Fault:
        requests.post(self._url, json=self._rule, timeout=10, verify=self._verify).raise_for_status()
        return self

    def __exit__(self, *_: object) -> None:
        requests.delete(self._url, timeout=10, verify=self._verify).raise_for_status()

    def await_hit(self) -> None:
        eventually(self._hits, within_s=30, what=f"a request caught by {self._rule}")

    def _hits(self) -> int:
        answer = requests.get(self._url, timeout=10, verify=self._verify).json()
        rules = answer if isinstance(answer, list) else answer["rules"]
        return sum(rule["hits"] for rule in rules) if rules else 1  # a rule that may strike no more is gone
