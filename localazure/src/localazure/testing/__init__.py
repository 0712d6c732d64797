"""Helpers for those who test a durable app: a task hub in the test's process, or the whole system beside it.

Nothing heavy is imported before it is used, since pytest imports this package in every environment it is installed in.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from localazure.testing.calls import Call
    from localazure.testing.errors import HistoryDiverged, HubCrashed, StillBusy, StillWaiting, TestingError
    from localazure.testing.faults import Rule
    from localazure.testing.histories import BadHistory, History, read_hub
    from localazure.testing.hub import Hub
    from localazure.testing.orchestration import Orchestration, Status
    from localazure.testing.replaying import replay
    from localazure.testing.stand_ins import in_turn
    from localazure.testing.system import System, SystemFailedError

_HOMES = {
    "BadHistory": "histories",
    "Call": "calls",
    "HistoryDiverged": "errors",
    "HubCrashed": "errors",
    "StillBusy": "errors",
    "StillWaiting": "errors",
    "TestingError": "errors",
    "Rule": "faults",
    "History": "histories",
    "Hub": "hub",
    "Orchestration": "orchestration",
    "Status": "orchestration",
    "read_hub": "histories",
    "replay": "replaying",
    "in_turn": "stand_ins",
    "System": "system",
    "SystemFailedError": "system",
}

__all__ = [
    "BadHistory",
    "Call",
    "History",
    "HistoryDiverged",
    "Hub",
    "HubCrashed",
    "Orchestration",
    "Rule",
    "Status",
    "StillBusy",
    "StillWaiting",
    "System",
    "SystemFailedError",
    "TestingError",
    "in_turn",
    "read_hub",
    "replay",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
