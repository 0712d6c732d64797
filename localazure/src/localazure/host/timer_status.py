"""What is remembered of a timer between two lives of the host, and what follows from it at a start."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from localazure.host.ncrontab import Schedule

NEVER = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class TimerStatus:
    """`last` is NEVER until the timer has fired under its present schedule."""

    last: datetime
    next: datetime
    last_updated: datetime

    def as_json(self) -> dict[str, str]:
        return {"Last": _text(self.last), "Next": _text(self.next), "LastUpdated": _text(self.last_updated)}

    @classmethod
    def of_json(cls, record: dict[str, str]) -> TimerStatus:
        return cls(*(datetime.fromisoformat(record[key]) for key in ("Last", "Next", "LastUpdated")))


def _text(moment: datetime) -> str:
    return moment.isoformat()


def status_at_start(schedule: Schedule, recorded: TimerStatus | None, now: datetime) -> tuple[TimerStatus, bool]:
    """The status to go on with, and whether an occurrence was missed while the host was down.

    A record that contradicts the schedule means that the schedule was edited: such a timer is never past due.
    """
    if recorded is None:
        return TimerStatus(NEVER, schedule.after(now), now), False
    expected = schedule.after(recorded.last_updated if recorded.last == NEVER else recorded.last)
    if expected != recorded.next:
        following = expected if expected > now else schedule.after(now)
        return TimerStatus(NEVER, following, now), False
    return recorded, now > recorded.next


def status_after_run(schedule: Schedule, fired_at: datetime) -> TimerStatus:
    return TimerStatus(fired_at, schedule.after(fired_at), fired_at)


class TimerStatusFile:
    """One small JSON file per timer."""

    def __init__(self, folder: Path, function_name: str) -> None:
        self._path = folder / f"Host.Functions.{function_name}.json"

    def read(self) -> TimerStatus | None:
        """None when there is no record, or none that can be read."""
        try:
            return TimerStatus.of_json(json.loads(self._path.read_text()))
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            return None

    def write(self, status: TimerStatus) -> None:
        """Replaces the file in one step, so that a crash leaves the old record or the new one."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".draft")
        draft.write_text(json.dumps(status.as_json()))
        draft.replace(self._path)
