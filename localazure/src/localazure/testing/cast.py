"""Who plays which function: the app's own, or stand-ins in the places of activities."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from localazure.host.functions import HostedFunction
from localazure.host.index import Index
from localazure.testing.apps import stand_in_index
from localazure.testing.errors import TestingError
from localazure.testing.stand_ins import Answer

ACTIVITY = "activitytrigger"


class Cast:
    """Lives as long as the hub under test; crashes change nothing here.

    As in the task hub, a function answers to its durable name and, where that is free, to its Python name.
    """

    def __init__(self, index: Index, stand_ins: Mapping[str, Answer]) -> None:
        self._index = index
        self._functions = _by_name(function for function in index.functions if function.durable_name)
        self._activities = _by_name(index.runnable(ACTIVITY))
        self._stand_ins: dict[str, Answer] = {}
        for name, answer in stand_ins.items():
            self.replace(name, answer)

    @property
    def index(self) -> Index:
        """The app's functions, stand-ins in the places of those that they replace."""
        played = {each.durable_name: each for each in stand_in_index(self._stand_ins).functions}
        return Index(tuple(_played(each, played.get(each.durable_name)) for each in self._index.functions))

    def replace(self, name: str, answer: Answer) -> None:
        """Raises TestingError, with the names that there are, for an activity that the app has not."""
        self._stand_ins[_found(self._activities, name, "activity").durable_name] = answer

    def restore(self, name: str) -> None:
        """Raises TestingError as `replace` does."""
        self._stand_ins.pop(_found(self._activities, name, "activity").durable_name, None)

    def durable_name(self, name: str) -> str:
        """The name under which the task hub calls a function. Raises TestingError for one that it does not know."""
        return _found(self._functions, name, "durable function").durable_name


def _played(own: HostedFunction, stand_in: HostedFunction | None) -> HostedFunction:
    if stand_in is None or own.trigger.kind != ACTIVITY:
        return own
    return replace(stand_in, entry_point=own.entry_point)


def _by_name(functions: Iterable[HostedFunction]) -> dict[str, HostedFunction]:
    listed = list(functions)
    python_names = {function.entry_point.lower(): function for function in listed}
    return python_names | {function.durable_name.lower(): function for function in listed}


def _found(functions: Mapping[str, HostedFunction], name: str, what: str) -> HostedFunction:
    if name.lower() not in functions:
        known = sorted({function.durable_name for function in functions.values()})
        raise TestingError(f"there is no {what} '{name}'; there are {', '.join(known) or 'none'}")
    return functions[name.lower()]
