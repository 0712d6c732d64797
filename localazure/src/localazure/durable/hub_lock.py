"""One process per hub file.

The lock is one of SQLite's, on an empty database beside the hub: the operating system lets go of it when the process
ends, however it ends. A text file next to it tells whose it is.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from localazure.durable.errors import HubInUse


class HubLock:
    """Held from its making until `release`. Raises HubInUse, which names the hub's file and its process."""

    def __init__(self, hub: Path) -> None:
        hub.parent.mkdir(parents=True, exist_ok=True)
        self._holder = hub.with_name(f"{hub.name}.pid")
        self._lock = sqlite3.connect(hub.with_name(f"{hub.name}.lock"), timeout=0, isolation_level=None)
        try:
            self._lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as locked:
            self._lock.close()
            raise HubInUse(f"the task hub {hub} is used by another process{self._who()}. Stop that first.") from locked
        self._holder.write_text(str(os.getpid()))

    def release(self) -> None:
        self._holder.unlink(missing_ok=True)
        self._lock.close()

    def _who(self) -> str:
        """Nothing for a process that has the lock, but has not said so yet."""
        pid = self._holder.read_text() if self._holder.exists() else ""
        return f" (pid {pid})" if pid else ""
