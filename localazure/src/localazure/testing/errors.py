"""What goes wrong in a test that uses the kit. Errors of the task hub itself (InstanceNotFound ...) pass unchanged."""

from __future__ import annotations


class TestingError(Exception):
    """The root of the kit's own errors; also raised for what a test asked for and cannot have."""

    __test__ = False  # pytest takes every class that begins with Test for a collection of tests


class StillWaiting(TestingError):
    """An instance has not ended, and nothing is under way that could end it. The text says what it waits for."""


class StillBusy(TestingError):
    """User code, or an endless loop of it, is still running after the time-out in real seconds."""


class HubCrashed(TestingError):
    """A crash rule struck while the hub carried out a request: nobody knows whether the request took effect."""


class HistoryDiverged(TestingError):
    """Today's orchestrator does something else than the one that wrote the history.

    `event` is the place in the history, counted from 0, at which the two part.
    """

    def __init__(self, instance_id: str, event: int, expected: str, got: str) -> None:
        super().__init__(f"instance '{instance_id}', event {event}: expected {expected}, got {got}")
        self.instance_id = instance_id
        self.event = event
        self.expected = expected
        self.got = got
