"""The failure texts that user code and clients see; applications match on them."""

from __future__ import annotations

from collections.abc import Sequence

from localazure.durable.functions import FunctionFailure, FunctionKind

NOT_FAILED = "The rewind operation is only supported on failed orchestration instances."


def storable(text: str) -> str:
    """`text` without lone surrogates, which have no UTF-8 form: a file name in an exception's text may hold some."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def orchestrator_failed(name: str, text: str) -> str:
    return storable(f"Orchestrator function '{name}' failed: {text}")


def activity_failed(name: str, failure: FunctionFailure) -> str:
    return f"Activity function '{name}' failed:  {failure.type_name}: {failure.message}"


def unknown_function(kind: FunctionKind, name: str, known: Sequence[str]) -> str:
    """Why `name` cannot be called, with the names that can."""
    if known:
        listed = ", ".join(f"'{each}'" for each in known)
        info = f"The following are the known {kind} functions: {listed}."
    else:
        info = f"No {kind} functions are currently registered!"
    return f"The function '{name}' doesn't exist, is disabled, or is not an {kind} function. Additional info: {info}"


def instance_exists(status: str) -> str:
    return f"An Orchestration instance with the status {status} already exists."


def non_deterministic(instance_id: str, action: int, event: int | None, expected: str, got: str) -> str:
    place = f"action {action}" if event is None else f"event {event} (action {action})"
    return f"Non-Deterministic workflow detected: instance '{instance_id}', {place}: expected {expected}, got {got}"
