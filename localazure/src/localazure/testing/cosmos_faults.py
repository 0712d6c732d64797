"""Faults of the Cosmos DB emulator for a test: what clients do when the service fails, stalls or hangs up.

    with CosmosFaults(url) as faults:
        faults.throttle(Calls(operation="Create", container="orders", nth=3))
        faults.drop(Calls(operation="Upsert"), after_write=True)
        ...  # run the code under test
        assert faults.pending() == []

The server knows no fault until a test asks for one, and it takes such requests from its own machine alone.
"""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.request import Request, urlopen

REQUEST_TIMEOUT_S: Final = 10
FOR_EVER_S: Final = 24 * 3600


@dataclass(frozen=True, slots=True)
class Calls:
    """Which calls meet a fault; whatever is None does not matter.

    `operation` is what the SDK says of itself: Create, Upsert, Replace, Patch, Delete, Read, ReadFeed, SqlQuery or
    Batch. Calls before the `nth` one pass; from there on `times` calls meet the fault, all of them if that is None.
    """

    operation: str | None = None
    container: str | None = None
    item_id: str | None = None
    nth: int = 1
    times: int | None = 1

    def rule(self, action: Mapping[str, Any]) -> dict[str, Any]:
        """The rule by which the server knows them."""
        match = {"resource": "docs", "operation": self.operation, "container": self.container, "id": self.item_id}
        return {
            "match": {name: value for name, value in match.items() if value is not None},
            "skip": self.nth - 1,
            "times": self.times,
            "action": action,
        }


class CosmosFaults:
    """The faults of one server. As a context manager it clears them at the end."""

    def __init__(self, url: str, *, ca_file: Path | None = None) -> None:
        """`ca_file` holds the authority (PEM) to trust when the URL is https; by default what the system trusts."""
        self._url = f"{url.rstrip('/')}/_emulator/faults"
        self._tls = ssl.create_default_context(cafile=ca_file) if url.startswith("https:") else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def fail(self, calls: Calls, status: int, substatus: int = 0) -> None:
        """Answer with an HTTP status, and do nothing else."""
        self._add(calls, {"status": status, "subStatus": substatus})

    def throttle(self, calls: Calls, *, retry_after_s: float = 0.01) -> None:
        """429: the request units of this second are used up."""
        headers = {"x-ms-retry-after-ms": str(round(retry_after_s * 1000))}
        self._add(calls, {"status": 429, "subStatus": 3200, "headers": headers})

    def unavailable(self, calls: Calls) -> None:
        """503: the service is not available."""
        self.fail(calls, 503)

    def retry_with(self, calls: Calls) -> None:
        """449: a concurrent write was in the way."""
        self.fail(calls, 449)

    def slow(self, calls: Calls, *, by_s: float) -> None:
        """Do what was asked for, but so much later."""
        self._add(calls, {"delayMs": by_s * 1000})

    def time_out(self, calls: Calls) -> None:
        """Neither do anything nor answer: the client waits until its own time-out."""
        self._add(calls, {"delayMs": FOR_EVER_S * 1000, "drop": "before"})

    def drop(self, calls: Calls, *, after_write: bool) -> None:
        """Hang up without an answer: before anything was done, or once it is done."""
        self._add(calls, {"drop": "after" if after_write else "before"})

    def pending(self) -> list[dict[str, Any]]:
        """The rules that may still strike, each with its `hits` so far."""
        answer = self._ask("GET")
        return list(json.loads(answer))

    def clear(self) -> None:
        """Drop all rules."""
        self._ask("DELETE")

    def _add(self, calls: Calls, action: Mapping[str, Any]) -> None:
        self._ask("POST", json.dumps(calls.rule(action)).encode())

    def _ask(self, method: str, body: bytes | None = None) -> bytes:
        request = Request(self._url, method=method, data=body)  # noqa: S310  # the URL is the test's own
        with urlopen(request, timeout=REQUEST_TIMEOUT_S, context=self._tls) as answer:  # noqa: S310  # see above
            content: bytes = answer.read()
        return content
