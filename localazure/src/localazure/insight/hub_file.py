"""Reads a task hub's file, whether its host runs or not."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from localazure.durable import sqlite_instances
from localazure.durable.store import Loaded
from localazure.statements import load_statements

FILE = "hub.sqlite"
SQL = load_statements(__package__)
BUSY_TIMEOUT_S = 5.0


class HubFileError(Exception):
    """The file is not there, or is no task hub that can be read."""


class HubFile:
    """A moment of a task hub: all that is asked of one object is the state after the same commit."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Iterator[HubFile]:
        """The hub in a file, which is never written to. Raises HubFileError."""
        if not path.is_file():
            raise HubFileError(f"There is no task hub in {path.parent}: no app was started there yet.")
        try:
            with closing(_connect(path)) as connection:
                connection.execute("BEGIN")
                yield cls(connection)
        except sqlite3.Error as error:
            raise HubFileError(f"The task hub {path} cannot be read: {error}") from error

    def find(self, text: str, top: int) -> list[str]:
        """Ids that hold a text: the one that is it, then those that begin with it, each group newest first."""
        return [row["instance_id"] for row in self.rows("found", text=text, top=top)]

    def live(self, top: int) -> list[str]:
        """Ids of instances that have not ended, oldest first."""
        return [row["instance_id"] for row in self.rows("live", top=top)]

    def load(self, instance_id: str) -> Loaded | None:
        """An instance with its history and inbox; None when there is none of that id."""
        return sqlite_instances.load(self._connection, instance_id)

    def rows(self, statement: str, **parameters: object) -> Sequence[sqlite3.Row]:
        """The rows of one of the statements in `queries.sql`."""
        return self._connection.execute(SQL[statement], parameters).fetchall()


def _connect(path: Path) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_TIMEOUT_S)
    connection.row_factory = sqlite3.Row
    return connection
