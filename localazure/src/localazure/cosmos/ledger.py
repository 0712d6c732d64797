"""What was spent: request units by container and operation, counted since the server started or was told to forget."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

from localazure.clock import Clock
from localazure.cosmos.resources import Container


@dataclass(slots=True)
class _Line:
    requests: int = 0
    charge: float = 0.0
    highest: float = 0.0


class Ledger:
    """Counts what every operation on items cost. Refused requests count with what they paid."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lines: dict[tuple[str, str, str], _Line] = {}
        self.since: datetime = clock.now()

    def add(self, container: Container, operation: str, charge: float) -> None:
        """Book a request. `charge` is in request units."""
        line = self._lines.setdefault((container.database.name, container.name, operation), _Line())
        line.requests += 1
        line.charge += charge
        line.highest = max(line.highest, charge)

    def entries(self) -> list[dict[str, Any]]:
        """One object per container and operation, in the order of their names; charges in request units."""
        return [
            {
                "database": database,
                "container": container,
                "operation": operation,
                "requests": line.requests,
                "charge": round(line.charge, 2),
                "highest": round(line.highest, 2),
            }
            for (database, container, operation), line in sorted(self._lines.items(), key=itemgetter(0))
        ]

    def clear(self) -> None:
        """Begin anew."""
        self._lines.clear()
        self.since = self._clock.now()
