"""One orchestration instance in a test's hands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localazure.durable.events import Event
from localazure.durable.records import Instance
from localazure.durable.views import shown
from localazure.testing.calls import Call
from localazure.testing.histories import History

if TYPE_CHECKING:
    from localazure.testing.hub import Hub


@dataclass(frozen=True)
class Status:
    """An instance at one moment. `input`, `output` and `custom_status` are JSON values.

    `runtime_status` is "Pending", "Running", "Completed", "Failed", "Terminated" or "Suspended". The output of a failed
    instance is the text of its failure, that of a terminated one the reason.
    """

    instance_id: str
    name: str
    runtime_status: str
    input: Any
    output: Any
    custom_status: Any
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, instance: Instance) -> Status:
        start = instance.start
        given = shown(start.input)
        return cls(
            start.instance_id,
            start.name,
            str(instance.status),
            shown(given) if isinstance(given, str) else given,
            shown(instance.output),
            shown(instance.custom_status),
            instance.created_at,
            instance.updated_at,
        )


class Orchestration:
    """Made by `Hub.start`, `Hub.instance` and `Hub.instances`. Every operation returns when the hub is idle again.

    All of them raise InstanceNotFound for an instance that does not exist (any more).
    """

    def __init__(self, hub: Hub, instance_id: str) -> None:
        self._hub = hub
        self.id = instance_id

    # As it is now

    def status(self) -> Status:
        return Status.of(self._hub.request(lambda hub: hub.get(self.id)))

    @property
    def runtime_status(self) -> str:
        return self.status().runtime_status

    @property
    def custom_status(self) -> Any:
        return self.status().custom_status

    @property
    def output(self) -> Any:
        return self.status().output

    @property
    def history(self) -> list[Event]:
        """The stored events of the current execution, in the form of the protocol."""
        return self._hub.request(lambda hub: hub.history(self.id))

    def calls(self, name: str | None = None) -> Sequence[Call]:
        """The activity calls of this instance; those of `name` alone when it is given."""
        return [call for call in self._hub.calls(name) if call.instance_id == self.id]

    def waits_for(self) -> str:
        """A text for people: what has to happen before it goes on."""
        return self._hub.explain(self.id)

    # Changes

    def wait(self, within: timedelta | None = None) -> Status:
        """Its status when it has ended. With `time="skip"` the clock jumps on, at most by `within` (default: a year).

        Raises StillWaiting, which says what for, when nothing is left that could end it.
        """
        return self._hub.wait(self.id, within)

    def raise_event(self, name: str, data: Any = None, *, posted: bool = False) -> None:
        """See `Hub.raise_event`. Raises InstanceEnded."""
        self._hub.raise_event(self.id, name, data, posted=posted)

    def terminate(self, reason: str = "") -> None:
        """Raises InstanceEnded."""
        self._hub.request(lambda hub: hub.terminate(self.id, reason))

    def suspend(self, reason: str = "") -> None:
        """Raises InstanceEnded."""
        self._hub.request(lambda hub: hub.suspend(self.id, reason))

    def resume(self, reason: str = "") -> None:
        """Raises InstanceEnded."""
        self._hub.request(lambda hub: hub.resume(self.id, reason))

    def rewind(self, reason: str = "") -> None:
        """Take back the failures of a failed instance and run on. Raises InstanceEnded when it has not failed."""
        self._hub.request(lambda hub: hub.rewind(self.id, reason))

    def restart(self) -> Orchestration:
        """Start the same again under a new id."""
        return Orchestration(self._hub, self._hub.request(lambda hub: hub.restart(self.id, with_new_id=True)))

    def purge(self) -> None:
        """Raises InstanceRunning."""
        self._hub.request(lambda hub: hub.purge(self.id))

    # Histories

    def recorded(self) -> History:
        """Its history, to be kept and replayed."""
        return History.of(self._hub.request(lambda hub: hub.load(self.id)))

    def record(self, file: Path | str) -> None:
        """Write its history to a JSON file."""
        self.recorded().write(Path(file))

    def __repr__(self) -> str:
        return f"<Orchestration {self.id}>"
