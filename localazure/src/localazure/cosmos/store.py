"""The SQLite file behind an account: one writing connection, snapshots for readers, SQL by name.

All writes go through the connection of the thread that opened the store (the event loop's), inside `transaction`.
A long scan opens a `snapshot` in a thread of its own: write-ahead logging lets it see one committed state while the
loop goes on writing. A process that is killed loses nothing that it acknowledged.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from localazure.errors import ConfigError
from localazure.statements import load_statements

SCHEMA_VERSION: Final = 1
WRITER_CACHE_KIB: Final = 32 * 1024
READER_CACHE_KIB: Final = 4 * 1024  # a scan meets each page once
CHECKPOINT_PAGES: Final = 4000

Row = tuple[Any, ...]


class Store:
    """An open data file. Without a path the file is temporary and goes away with the store."""

    def __init__(self, path: Path | None, *, full_durability: bool = False) -> None:
        """Raises ConfigError when another server has the file open, or another version wrote it."""
        self._temporary = tempfile.TemporaryDirectory(prefix="cosmos-") if path is None else None
        self.path = path or Path(self._temporary.name if self._temporary else "") / "cosmos.sqlite"
        self._synchronous = "FULL" if full_durability else "NORMAL"
        self._statements = dict(load_statements(__package__))
        with ExitStack() as undo:
            self._lock = undo.enter_context(closing(_lock(self.path)))
            try:
                self._writer = undo.enter_context(closing(self._connect(WRITER_CACHE_KIB)))
                self._prepare()
            except sqlite3.DatabaseError as error:
                raise ConfigError(f"--data {self.path} cannot be opened: {error}") from error
            undo.pop_all()

    def run(self, statement: str, /, **parameters: Any) -> sqlite3.Cursor:
        """Execute the statement of that name. Raises KeyError for an unknown name and sqlite3's own errors."""
        return self._writer.execute(self._statements[statement], parameters)

    def define(self, name: str, template: str, /, **constants: str) -> str:
        """Add a statement of that name: a template with constants in it, where SQLite allows no parameters."""
        self._statements[name] = self._statements[template].format(**constants)
        return name

    def row(self, statement: str, /, **parameters: Any) -> Row | None:
        """The first row of a statement, if any."""
        found: Row | None = self._writer.execute(self._statements[statement], parameters).fetchone()
        return found

    def rows(self, statement: str, /, **parameters: Any) -> list[Row]:
        """All rows of a statement."""
        return self._writer.execute(self._statements[statement], parameters).fetchall()

    def transaction(self) -> Transaction:
        """Commit what the body wrote, or nothing of it if it raises. The body must not await."""
        return Transaction(self._writer)

    @contextmanager
    def snapshot(self, statement: str, /, **parameters: Any) -> Iterator[sqlite3.Cursor]:
        """The rows of a statement as of now, on a connection of the calling thread's own."""
        reader = self._connect(READER_CACHE_KIB)
        try:
            yield reader.execute(self._statements[statement], parameters)
        finally:
            reader.close()

    def close(self) -> None:
        """Merge the log into the file and let go of it."""
        self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._writer.close()
        self._lock.close()
        if self._temporary:
            self._temporary.cleanup()

    def _connect(self, cache_kib: int) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, cached_statements=256, timeout=30)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={self._synchronous}")
        connection.execute(f"PRAGMA cache_size=-{cache_kib}")
        connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        return connection

    def _prepare(self) -> None:
        if self._version() == 0:
            schema = files(__package__).joinpath("schema.sql").read_text()
            self._writer.executescript(f"BEGIN;\n{schema}\nPRAGMA user_version = {SCHEMA_VERSION};\nCOMMIT;")
        if self._version() != SCHEMA_VERSION:
            raise ConfigError(f"--data {self.path} was written by another version (schema {self._version()})")

    def _version(self) -> int:
        (version,) = self._writer.execute("PRAGMA user_version").fetchone()
        return int(version)


class Transaction:
    """A context manager around a body that writes."""

    def __init__(self, writer: sqlite3.Connection) -> None:
        self._writer = writer

    def __enter__(self) -> None:
        self._writer.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        try:
            if kind is None:
                self._writer.execute("COMMIT")
        finally:
            if self._writer.in_transaction:  # the body raised, or the disk is full
                self._writer.execute("ROLLBACK")


def _lock(path: Path) -> sqlite3.Connection:
    """Hold an exclusive lock next to the file. SQLite takes it: that works everywhere, and it dies with the process."""
    with ExitStack() as undo:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = undo.enter_context(closing(sqlite3.connect(f"{path}.lock", isolation_level=None, timeout=0)))
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
                raise ConfigError(f"--data {path} is in use by another Cosmos DB server") from error
            raise ConfigError(f"--data {path} cannot be opened: {error}") from error
        except OSError as error:
            raise ConfigError(f"--data {path} cannot be created: {error}") from error
        undo.pop_all()
        return lock
