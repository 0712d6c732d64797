"""Counts the moments at which a crash makes a difference, and ends the process at the wanted one."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from localazure.durable.observer import Change

NOBODY = "nobody"
"""The instance id in requests that change nothing; they are no moments."""


class Bomb:
    """An observer of the hub's commits; the functions of the app tell it theirs through `tick`.

    It goes off at the n-th occurrence of a moment, or at the n-th moment of any name when `moment` is empty; never
    when `occurrence` is 0. The names of the last moment go to `note`.
    """

    def __init__(self, moment: str, occurrence: int, note: Path) -> None:
        self.moments: list[str] = []
        self._wanted = (moment, occurrence)
        self._note = note
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()  # the hub's writer and the event loop are two threads

    def tick(self, *names: str) -> None:
        """A moment; it has several names when a commit holds several transactions."""
        with self._lock:
            self.moments += names
            self._counts.update(["", *names])
            moment, occurrence = self._wanted
            if moment in {"", *names} and self._counts[moment] == occurrence:
                self._note.write_text("+".join(names))
                os.kill(os.getpid(), signal.SIGKILL)
                signal.pause()  # the signal need not reach this thread first: nothing may happen behind this line

    def before_commit(self, changes: Sequence[Change]) -> None:
        self._tick_around("before", changes)

    def after_commit(self, changes: Sequence[Change]) -> None:
        self._tick_around("after", changes)

    def _tick_around(self, side: str, changes: Sequence[Change]) -> None:
        names = [f"{side} {change.kind}" for change in changes if change.subject != NOBODY]
        if names:
            self.tick(*dict.fromkeys(names))
