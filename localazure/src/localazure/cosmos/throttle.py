"""Throughput as a limit: one budget of request units per second for each container or shared database."""

from __future__ import annotations

import math
from dataclasses import dataclass

from localazure.clock import Clock
from localazure.cosmos.errors import BUDGET_USED_UP, TooManyRequests


@dataclass(slots=True)
class _Bucket:
    balance: float
    at: float


class Budgets:
    """Token buckets that hold one second's worth. A request is admitted on credit and pays what it cost afterwards."""

    def __init__(self, clock: Clock, *, enabled: bool, fixed: int) -> None:
        """`fixed` is one rate for all, in request units per second; 0 takes the rate of each offer."""
        self._clock = clock
        self._enabled = enabled
        self._fixed = fixed
        self._buckets: dict[str, _Bucket] = {}

    def admit(self, rid: str, ru_per_s: int) -> None:
        """Raises TooManyRequests, with the time to wait, while the budget of a resource is used up."""
        if not self._enabled:
            return
        rate, now = self._fixed or ru_per_s, self._clock.now().timestamp()
        bucket = self._buckets.setdefault(rid, _Bucket(rate, now))
        bucket.balance = min(rate, bucket.balance + (now - bucket.at) * rate)
        bucket.at = now
        if bucket.balance <= 0:
            wait_ms = max(1, math.ceil(-bucket.balance / rate * 1000))
            raise TooManyRequests(
                "The request rate is too large.",
                substatus=BUDGET_USED_UP,
                headers={"x-ms-retry-after-ms": str(wait_ms)},
            )

    def pay(self, rid: str, charge: float) -> None:
        """Take what a request cost from the budget that admitted it."""
        if rid in self._buckets:
            self._buckets[rid].balance -= charge
