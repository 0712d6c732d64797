"""The states of an orchestration instance and the one table of legal moves between them."""

from __future__ import annotations

from enum import StrEnum


class RuntimeStatus(StrEnum):
    """The eight values that clients know; `number` is their value in `ExecutionCompleted`."""

    RUNNING = "Running"
    COMPLETED = "Completed"
    CONTINUED_AS_NEW = "ContinuedAsNew"
    FAILED = "Failed"
    CANCELED = "Canceled"
    TERMINATED = "Terminated"
    PENDING = "Pending"
    SUSPENDED = "Suspended"

    @property
    def number(self) -> int:
        return list(RuntimeStatus).index(self)

    @classmethod
    def of(cls, number: int) -> RuntimeStatus:
        return list(cls)[number]

    @property
    def is_final(self) -> bool:
        return self in FINAL


FINAL = frozenset(
    {RuntimeStatus.COMPLETED, RuntimeStatus.FAILED, RuntimeStatus.CANCELED, RuntimeStatus.TERMINATED},
)

LEGAL: dict[RuntimeStatus, frozenset[RuntimeStatus]] = {
    RuntimeStatus.PENDING: frozenset({RuntimeStatus.RUNNING}),
    RuntimeStatus.RUNNING: frozenset(
        {
            RuntimeStatus.SUSPENDED,
            RuntimeStatus.CONTINUED_AS_NEW,
            RuntimeStatus.COMPLETED,
            RuntimeStatus.FAILED,
            RuntimeStatus.TERMINATED,
        },
    ),
    RuntimeStatus.SUSPENDED: frozenset({RuntimeStatus.RUNNING, RuntimeStatus.TERMINATED}),
    RuntimeStatus.CONTINUED_AS_NEW: frozenset({RuntimeStatus.RUNNING}),
    RuntimeStatus.FAILED: frozenset({RuntimeStatus.RUNNING}),  # rewind
    RuntimeStatus.COMPLETED: frozenset(),
    RuntimeStatus.TERMINATED: frozenset(),
    RuntimeStatus.CANCELED: frozenset(),
}


class IllegalTransition(Exception):
    """A defect of the engine: an instance was about to move to a state it cannot reach."""


def move(current: RuntimeStatus, target: RuntimeStatus) -> RuntimeStatus:
    """`target`, if an instance may go there from `current`. Raises IllegalTransition."""
    if target not in LEGAL[current]:
        raise IllegalTransition(f"an instance cannot go from {current} to {target}")
    return target
