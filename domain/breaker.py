"""A circuit breaker: after a row of failures nobody asks the provider for a while, then one does.

closed → open after 5 failures within 60 s → half open 30 s later: one request is let through, and its outcome decides.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from pydantic import ConfigDict

from domain.shapes import Model, Utc

FAILURES = 5
WITHIN = timedelta(seconds=60)
OPEN_FOR = timedelta(seconds=30)


class BreakerState(StrEnum):
    """Whether requests are let through: all, none, or one to see how it fares."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker(Model):
    """State of one provider's breaker. `since` is when it opened, or when the one request was let through."""

    model_config = ConfigDict(frozen=True)

    state: BreakerState = BreakerState.CLOSED
    since: Utc | None = None
    failures: tuple[Utc, ...] = ()

    def admit(self, at: datetime) -> tuple[Breaker, int | None]:
        """The breaker after a request for admission, and the seconds to wait; None: go ahead.

        A request that was let through and never reported counts as lost after the time that the breaker stays open.
        """
        if self.state is BreakerState.CLOSED or self.since is None:
            return self, None
        ends_at = self.since + OPEN_FOR
        if at < ends_at:
            return self, max(1, round((ends_at - at).total_seconds()))
        return Breaker(state=BreakerState.HALF_OPEN, since=at), None

    def succeeded(self) -> Breaker:
        """The breaker after a request that the provider answered."""
        return Breaker()

    def failed(self, at: datetime) -> Breaker:
        """The breaker after a request that the provider left unanswered."""
        recent = (*(failure for failure in self.failures if at - failure < WITHIN), at)
        if self.state is BreakerState.HALF_OPEN or len(recent) >= FAILURES:
            return Breaker(state=BreakerState.OPEN, since=at)
        return Breaker(state=self.state, since=self.since, failures=recent)
