"""Which invocation a task or a thread belongs to: what log lines say of it."""

from __future__ import annotations

import time
from contextvars import ContextVar
from itertools import count
from random import getrandbits
from uuid import uuid4

_LAST_OF_IDS = str(uuid4())[8:]
"""What tells the ids of one process from those of all others."""

_numbers = count(getrandbits(32))


class Invocation:
    """One run of a function, from now on. Most are never asked for their id, so it is made when it is read."""

    __slots__ = ("_id", "_started", "function_name")

    def __init__(self, function_name: str) -> None:
        self.function_name = function_name
        self._id = ""
        self._started = time.monotonic()

    @property
    def id(self) -> str:
        """Shaped as a UUID of version 4. Unique is enough: it is no secret, and not worth a random number."""
        if not self._id:
            self._id = f"{next(_numbers) & 0xFFFFFFFF:08x}{_LAST_OF_IDS}"
        return self._id

    @property
    def duration_ms(self) -> int:
        """How long it has run until now."""
        return round((time.monotonic() - self._started) * 1000)


current_invocation: ContextVar[Invocation | None] = ContextVar("current_invocation", default=None)
