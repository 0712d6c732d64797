"""Wait for a condition instead of sleeping for a time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Answer = TypeVar("Answer")


def eventually(probe: Callable[[], Answer | None], *, within_s: float, what: str = "the condition") -> Answer:
    """The first truthy answer of `probe`, asked every 50 ms; fails with the last answer after `within_s` seconds."""
    deadline = time.monotonic() + within_s
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come true within {within_s:g} s; last answer: {answer!r}")
        time.sleep(0.05)
