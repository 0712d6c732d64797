"""What is remembered of a timer between two lives of the host, and what follows from it at a start."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from azure.storage.blob.aio import ContainerClient

from localazure.host import blob_store
from localazure.host.functions import HostedFunction
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
    def of_text(cls, text: str | bytes) -> TimerStatus | None:
        """None when this is no record."""
        try:
            record = json.loads(text)
            return cls(*(datetime.fromisoformat(record[key]) for key in ("Last", "Next", "LastUpdated")))
        except (ValueError, KeyError, TypeError):
            return None


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


class TimerRecord(Protocol):
    """Where the status of one timer is kept."""

    async def read(self) -> TimerStatus | None:
        """None when there is no record, or none that can be read. Raises AzureError when storage does not answer."""
        ...

    async def write(self, status: TimerStatus) -> None:
        """Replaces the record in one step. Raises AzureError when storage does not answer."""
        ...


class TimerBlob:
    """A blob in azure-webjobs-hosts, where the Functions host keeps it. `hosts` is that container."""

    def __init__(self, hosts: ContainerClient, host_id: str, function: HostedFunction) -> None:
        self._hosts = hosts
        self._name = f"timers/{host_id}/{function.id}/status"

    async def read(self) -> TimerStatus | None:
        blob = await blob_store.get(self._hosts, self._name)
        return TimerStatus.of_text(blob.content) if blob else None

    async def write(self, status: TimerStatus) -> None:
        await blob_store.put(self._hosts, self._name, json.dumps(status.as_json()))


class TimerFile:
    """A small file, for apps that have no storage."""

    def __init__(self, folder: Path, function: HostedFunction) -> None:
        self._path = folder / f"{function.id}.json"

    async def read(self) -> TimerStatus | None:
        return TimerStatus.of_text(self._path.read_text()) if self._path.exists() else None

    async def write(self, status: TimerStatus) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".draft")
        draft.write_text(json.dumps(status.as_json()))
        draft.replace(self._path)
