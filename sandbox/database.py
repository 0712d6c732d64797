"""SQLite as both sandbox services use it: one connection, named statements from a file, explicit transactions.

Write-ahead logging with synchronous=NORMAL: what was committed survives `kill -9` of the process at any moment.
A power cut may cost the last moments, which a development tool can bear for a commit that need not wait for the disk.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

Value = str | bytes | int | float | None

_NAMED = re.compile(r"^-- name: (\w+)\n(.*?)(?=^-- name: |\Z)", re.MULTILINE | re.DOTALL)


class Database:
    """One SQLite file, or memory, and the statements that may run on it.

    The statement called `schema` runs at every opening, so it creates only what is missing.
    """

    def __init__(self, file: Path | None, statements: Path) -> None:
        if file:
            file.parent.mkdir(parents=True, exist_ok=True)
        self._statements = dict(_NAMED.findall(statements.read_text("utf-8")))
        self._connection = sqlite3.connect(file or ":memory:", isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(self._statements["schema"])

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of what runs inside, or, when an exception leaves the block, nothing of it."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def run(self, statement: str, /, **values: Value) -> list[sqlite3.Row]:
        """Run a named statement; its rows."""
        return self._connection.execute(self._statements[statement], values).fetchall()

    def page(self, name: str, condition: str, values: Sequence[Value], *, limit: int, offset: int) -> list[sqlite3.Row]:
        """Run a named statement whose `/*where*/` gives way to a condition with `?` for each of the values.

        The condition is composed by code alone; what users sent belongs into the values.
        """
        statement = self._statements[name].replace("/*where*/", condition)
        return self._connection.execute(statement, (*values, limit, offset)).fetchall()

    def close(self) -> None:
        self._connection.close()
