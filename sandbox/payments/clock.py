"""The simulator's time: the machine's, plus whatever a test has told it to skip."""

from __future__ import annotations

import time

from sandbox.database import Database


class Clock:
    """Epoch seconds. The skipped time is kept, so that a restart does not bring expired authorisations back."""

    def __init__(self, database: Database) -> None:
        self._database = database
        kept = database.run("setting", name="clock_ahead_s")
        self._ahead_s = float(kept[0]["value"]) if kept else 0.0

    def now(self) -> float:
        return time.time() + self._ahead_s

    def advance(self, seconds: float) -> None:
        """Skip `seconds`, at least 0."""
        self._ahead_s += seconds
        self._database.run("keep_setting", name="clock_ahead_s", value=str(self._ahead_s))
