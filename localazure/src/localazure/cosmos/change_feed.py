"""The change feed: what was written to a container after a log number (LSN).

Two modes. *Latest version* delivers each live item at the place of its last write, straight from the items.
*All versions and deletes* delivers every write from the change log. In both, a page ends only between two log numbers,
so the items of one batch stay together, and log number and rows are read without giving the loop away, so that no
write can slip in between and be skipped for ever.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from localazure.cosmos.errors import BadRequest
from localazure.cosmos.jsontext import dump
from localazure.cosmos.messages import MAX_PAGE_BYTES
from localazure.cosmos.resources import Container
from localazure.cosmos.scope import Scope
from localazure.cosmos.store import Store
from localazure.cosmos.writer import with_system_properties

FULL_FIDELITY: Final = "Full-Fidelity Feed"

Entry = Callable[[Container, tuple[Any, ...]], str]


@dataclass(frozen=True, slots=True)
class Reader:
    """Where a reader is: after a log number (None: now). `since` hides what was written before that second."""

    after: int | None
    since: int
    page_size: int
    all_versions: bool


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Entries as JSON texts, and the log number up to which the feed was read."""

    entries: list[str]
    lsn: int


def reader_of(headers: Mapping[str, str], page_size: int) -> Reader:
    """Read the headers of a change feed request. Raises BadRequest for a position that cannot be read."""
    all_versions = headers.get("a-im") == FULL_FIDELITY
    position, since = headers.get("if-none-match", ""), headers.get("if-modified-since", "")
    if all_versions and not position:
        raise BadRequest("A feed of all versions starts now or at a continuation, not at the beginning.")
    try:
        seconds = int(parsedate_to_datetime(since).timestamp()) if since else 0
        after = None if position == "*" else int(position.strip('"') or 0)
    except ValueError as error:
        raise BadRequest(f"The change feed cannot start at {position or since!r}.") from error
    return Reader(after, seconds, page_size, all_versions)


def read(store: Store, container: Container, scope: Scope, reader: Reader, now: datetime) -> FeedPage:
    """The next page: whole log numbers, until there are `page_size` entries or as much text as a page may hold."""
    if reader.after is None or reader.after >= container.lsn:
        return FeedPage([], container.lsn)
    given: dict[str, Any] = {
        "container": container.number,
        "after": reader.after,
        "since": reader.since,
        "epk_from": scope.epk_from,
        "epk_to": scope.epk_to,
    }
    if reader.all_versions:
        _check_retained(store, container, reader.after)
        return _page(container, store.run("changes_after", **given), _change, reader)
    given["now"] = now.timestamp()
    return _page(container, store.run("latest_versions", **given), _latest, reader)


def _page(container: Container, rows: sqlite3.Cursor, entry: Entry, reader: Reader) -> FeedPage:
    """Rows are read one by one: a page of large items is full long before it has `page_size` of them."""
    entries: list[str] = []
    size, lsn = 0, reader.after or 0
    with closing(rows):
        for row in rows:
            if row[0] != lsn and (len(entries) >= reader.page_size or size >= MAX_PAGE_BYTES):
                return FeedPage(entries, lsn)
            text = entry(container, row)
            entries.append(text)
            size, lsn = size + len(text), row[0]
    return FeedPage(entries, container.lsn)


def _check_retained(store: Store, container: Container, after: int) -> None:
    """Raises BadRequest when changes after that number are not in the log any more."""
    (oldest,) = store.rows("oldest_change", container=container.number)[0]
    if after + 1 < (container.lsn + 1 if oldest is None else oldest):
        raise BadRequest(f"The change log does not reach back to {after}: it was trimmed or switched off.")


def _latest(container: Container, row: tuple[Any, ...]) -> str:
    lsn, *version = row
    return f'{with_system_properties(container, *version)[:-1]},"_lsn":{lsn}}}'


def _change(container: Container, row: tuple[Any, ...]) -> str:
    lsn, operation, key, item_id, body, previous_lsn, ts, expired = row
    metadata: dict[str, Any] = {"operationType": operation, "lsn": lsn, "crts": ts}
    if previous_lsn is not None:
        metadata["previousImageLSN"] = previous_lsn
    if operation != "delete":
        return f'{{"current":{body},"metadata":{dump(metadata)}}}'
    paths = ["/".join(path) for path in container.definition.paths]
    components = dict(zip(paths, json.loads(key), strict=True))
    metadata |= {"timeToLiveExpired": bool(expired), "id": item_id, "partitionKey": components}
    return f'{{"metadata":{dump(metadata)}}}'
