"""Invocations that a rule keeps back: until a moment of the hub's clock, until released, or until all else is done.

The task that is kept back does not count as work under way; otherwise the hub would never be idle, and the clock that
it waits for would never move.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(eq=False)
class Place:
    """One task that waits. `due` is when the clock lets it go; `is_last` means when nothing else can run.

    `held_by` is who will let it go otherwise.
    """

    name: str
    instance_id: str
    task: asyncio.Task[None]
    due: datetime | None = None
    is_last: bool = False
    held_by: object = None
    gone: asyncio.Event = field(default_factory=asyncio.Event)


class Parking:
    """All places of one hub. `changed` is set whenever a task came or left."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self._places: list[Place] = []

    @property
    def tasks(self) -> set[asyncio.Task[None]]:
        return {place.task for place in self._places}

    @property
    def names(self) -> set[tuple[str, str]]:
        """Function and instance id of everything that is kept back."""
        return {(place.name, place.instance_id) for place in self._places}

    async def wait(
        self,
        name: str,
        instance_id: str,
        *,
        due: datetime | None = None,
        is_last: bool = False,
        held_by: object = None,
    ) -> None:
        """Keep the current task back; see Place."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101  # a coroutine always runs in a task
        place = Place(name, instance_id, task, due, is_last, held_by)
        self._places.append(place)
        self.changed.set()
        try:
            await place.gone.wait()
        finally:
            self._leave(place)

    def next_at(self) -> datetime | None:
        """When the clock lets the next one go."""
        return min((place.due for place in self._places if place.due is not None), default=None)

    def release_due(self, now: datetime) -> None:
        """Let go what was kept back until now, the earliest first."""
        due = [place for place in self._places if place.due is not None and place.due <= now]
        for place in sorted(due, key=lambda each: each.due or now):
            self._leave(place)

    def release_last(self) -> bool:
        """Let one go that waits for all others; False when there is none."""
        place = next((place for place in self._places if place.is_last), None)
        if place is not None:
            self._leave(place)
        return place is not None

    def release(self, holder: object) -> None:
        for place in [place for place in self._places if place.held_by is holder]:
            self._leave(place)

    def _leave(self, place: Place) -> None:
        if place in self._places:
            self._places.remove(place)
            self.changed.set()
        place.gone.set()
