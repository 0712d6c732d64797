"""Counts the moments at which a crash makes a difference, and ends the process at the wanted one."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

from localazure.durable.observer import Change

NOBODY = "nobody"
"""The instance id in requests that change nothing; they are no moments."""


class Bomb:
    """An observer of the hub's commits; the functions of the app tell it theirs through `tick`.

    `kill_at` counts from 1; 0 lets the process live. The name of the last moment goes to `note`.
    """

    def __init__(self, kill_at: int, note: Path) -> None:
        self.moments: list[str] = []
        self._kill_at = kill_at
        self._note = note
        self._lock = threading.Lock()  # the hub's writer and the event loop are two threads

    def tick(self, moment: str) -> None:
        with self._lock:
            self.moments.append(moment)
            if len(self.moments) == self._kill_at:
                self._note.write_text(moment)
                os.kill(os.getpid(), signal.SIGKILL)
                signal.pause()  # the signal needs not reach this thread first: nothing may happen behind this line

    def before_commit(self, changes: Sequence[Change]) -> None:
        self._tick_around("before", changes)

    def after_commit(self, changes: Sequence[Change]) -> None:
        self._tick_around("after", changes)

    def _tick_around(self, side: str, changes: Sequence[Change]) -> None:
        """The moment is named after the transactions in the commit, such as `before finish_activity+commit`."""
        kinds = [change.kind for change in changes if change.subject != NOBODY]
        if kinds:
            self.tick(f"{side} {'+'.join(kinds)}")
