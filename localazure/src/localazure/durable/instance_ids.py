"""Which instance ids are allowed, for clients and for sub-orchestrations."""

from __future__ import annotations

import re
from random import getrandbits

from localazure.durable.errors import InvalidArgument
from localazure.durable.records import Start

MAX_LENGTH = 256
_FORBIDDEN = re.compile(r"[/\\#?\x00-\x1f\x7f-\x9f\ud800-\udfff]")
"""Separators, control characters, and halves of characters, which have no UTF-8 form."""


def new_id() -> str:
    """32 hex digits. Unique is enough: it is no secret, and not worth a call of the system."""
    return f"{getrandbits(128):032x}"


def check(instance_id: str) -> None:
    """Raises InvalidArgument with what is wrong."""
    if instance_id.startswith("@"):
        raise InvalidArgument("Orchestration instance IDs must not start with '@'.")
    if not 0 < len(instance_id) <= MAX_LENGTH:
        raise InvalidArgument(f"Instance IDs must have 1 to {MAX_LENGTH} characters.")
    if has_forbidden(instance_id):
        raise InvalidArgument("Instance IDs must not contain /, \\, #, ? or control characters.")


def has_forbidden(text: str) -> bool:
    """Whether a character in `text` cannot be part of an instance id or an entity's key."""
    return _FORBIDDEN.search(text) is not None


def child_problem(child: Start, parent: Start) -> str | None:
    """Why a sub-orchestration cannot have its id; None when it can."""
    if child.instance_id == parent.instance_id:
        return f"The sub-orchestration cannot have its parent's instance ID '{child.instance_id}'."
    if parent.parent is not None and child.instance_id == parent.parent.instance_id:
        return f"The sub-orchestration cannot have the instance ID '{child.instance_id}' of its parent's parent."
    try:
        check(child.instance_id)
    except InvalidArgument as invalid:
        return str(invalid)
    return None
