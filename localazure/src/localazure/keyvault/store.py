"""Secrets and their versions in one SQLite file.

Calls block for as long as SQLite takes (well below a millisecond here): a vault is read a few times a minute, so the
event loop that serves it may wait. Times are whole seconds since 1970, as on the wire.
"""

from __future__ import annotations

import json
import re
import secrets
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Self

from localazure.clock import Clock
from localazure.statements import load_statements

RECOVERABLE_DAYS = 90
MAX_VALUE_BYTES = 25_600

_NAME = re.compile(r"[0-9a-zA-Z-]{1,127}")
SQL = load_statements(__package__)


class ServiceError(Exception):
    """An answer of the vault that is no success: HTTP status, code, text, and the code inside it."""

    def __init__(self, status: int, code: str, message: str, inner_code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.inner_code = inner_code


@dataclass(frozen=True)
class Properties:
    """What may be changed without a new version."""

    content_type: str | None = None
    tags: Mapping[str, str] | None = None
    enabled: bool = True
    not_before: int | None = None
    expires: int | None = None


@dataclass(frozen=True)
class Secret:
    """One version of a secret."""

    name: str
    version: str
    value: str
    properties: Properties
    created: int
    updated: int


@dataclass(frozen=True)
class DeletedSecret:
    """A soft-deleted secret, shown by its last version."""

    secret: Secret
    deleted_at: int
    purge_at: int


class SecretStore:
    """Every method raises ServiceError as the vault would answer; use it as a context manager to close the file."""

    def __init__(self, path: Path | str, clock: Clock) -> None:
        self._clock = clock
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.executescript("pragma journal_mode = wal; pragma busy_timeout = 5000; pragma foreign_keys = on;")
        self._db.executescript(SQL["schema"])
        self._run("purge_due", now=self._now())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._db.close()

    def set(self, name: str, value: str, properties: Properties) -> Secret:
        """Add a version, which becomes the current one. 400 for a bad name or value, 409 while deleted."""
        if not _NAME.fullmatch(name):
            raise ServiceError(400, "BadParameter", f"The name {name!r} must match ^[0-9a-zA-Z-]{{1,127}}$.")
        if len(value.encode()) > MAX_VALUE_BYTES:
            raise ServiceError(400, "BadParameter", f"The value is longer than {MAX_VALUE_BYTES} bytes.")
        now = self._now()
        secret = Secret(name, secrets.token_hex(16), value, properties, created=now, updated=now)
        with self._db:
            self._db.execute("begin immediate")
            self._refuse_deleted(name)
            self._run("add_secret", name=name)
            self._run("add_version", **_row(secret))
        return secret

    def get(self, name: str, version: str | None = None) -> Secret:
        """The current or the named version. 404 when there is none, 403 when it is disabled."""
        secret = self._find(name, version)
        if not secret.properties.enabled:
            raise ServiceError(403, "Forbidden", "Operation get is not allowed on a disabled secret.", "SecretDisabled")
        return secret

    def update(self, name: str, version: str | None, changes: Mapping[str, object]) -> Secret:
        """Change fields of Properties; those not named stay. 404 when there is no such version."""
        found = self._find(name, version)
        changed = replace(found, properties=replace(found.properties, **changes), updated=self._now())  # type: ignore[arg-type]  # names and types are checked where the request is read
        self._run("change_version", **_row(changed))
        return changed

    def list_current(self, after: str, limit: int) -> list[Secret]:
        """A page of current versions in the order of names, beginning behind the name `after`."""
        return [_secret(row) for row in self._run("page_of_secrets", after=after, limit=limit)]

    def list_versions(self, name: str, after: str, limit: int) -> list[Secret]:
        """A page of the versions of one secret, beginning behind the version `after`."""
        return [_secret(row) for row in self._run("page_of_versions", name=name, after=after, limit=limit)]

    def delete(self, name: str) -> DeletedSecret:
        """Soft delete: recoverable for 90 days. 404 when there is no such secret."""
        secret = self._find(name, None)
        now = self._now()
        deleted = DeletedSecret(secret, deleted_at=now, purge_at=now + RECOVERABLE_DAYS * 86_400)
        self._run("mark_deleted", name=name, deleted_at=deleted.deleted_at, purge_at=deleted.purge_at)
        return deleted

    def get_deleted(self, name: str) -> DeletedSecret:
        """404 when no secret of that name is deleted."""
        for row in self._run("find_secret", name=name):
            if row["deleted_at"] is not None:
                return DeletedSecret(self._current(name), row["deleted_at"], row["purge_at"])
        raise ServiceError(404, "SecretNotFound", f"Deleted Secret not found: {name}")

    def list_deleted(self, after: str, limit: int) -> list[DeletedSecret]:
        """A page of deleted secrets in the order of names, beginning behind the name `after`."""
        rows = self._run("page_of_deleted", after=after, limit=limit)
        return [DeletedSecret(_secret(row), row["deleted_at"], row["purge_at"]) for row in rows]

    def recover(self, name: str) -> Secret:
        """Undo a soft delete. 404 when no secret of that name is deleted."""
        deleted = self.get_deleted(name)
        self._run("mark_recovered", name=name)
        return deleted.secret

    def purge(self, name: str) -> None:
        """Remove a deleted secret for good. 404 when no secret of that name is deleted."""
        self.get_deleted(name)
        self._run("purge", name=name)

    def _find(self, name: str, version: str | None) -> Secret:
        known = next(iter(self._run("find_secret", name=name)), None)
        if known is not None and known["deleted_at"] is None:
            if version is None:
                return self._current(name)
            for row in self._run("one_version", name=name, version=version):
                return _secret(row)
        named = "/".join(filter(None, [name, version]))
        raise ServiceError(404, "SecretNotFound", f"A secret with (name/id) {named} was not found in this key vault.")

    def _current(self, name: str) -> Secret:
        return _secret(self._run("current", name=name)[0])

    def _refuse_deleted(self, name: str) -> None:
        for row in self._run("find_secret", name=name):
            if row["deleted_at"] is not None:
                text = f"Secret {name} is deleted but recoverable: its name is free again once it is purged."
                raise ServiceError(409, "Conflict", text, "ObjectIsDeletedButRecoverable")

    def _run(self, query: str, **values: object) -> list[sqlite3.Row]:
        return self._db.execute(SQL[query], values).fetchall()

    def _now(self) -> int:
        return int(self._clock.now().timestamp())


def _row(secret: Secret) -> dict[str, object]:
    properties = secret.properties
    return {
        "name": secret.name,
        "version": secret.version,
        "value": secret.value,
        "content_type": properties.content_type,
        "tags": json.dumps(properties.tags),
        "enabled": properties.enabled,
        "not_before": properties.not_before,
        "expires": properties.expires,
        "created": secret.created,
        "updated": secret.updated,
    }


def _secret(row: sqlite3.Row) -> Secret:
    properties = Properties(
        content_type=row["content_type"],
        tags=json.loads(row["tags"]),
        enabled=bool(row["enabled"]),
        not_before=row["not_before"],
        expires=row["expires"],
    )
    return Secret(row["name"], row["version"], row["value"], properties, row["created"], row["updated"])
