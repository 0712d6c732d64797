"""Indexes over properties, made for the queries that want them.

A container indexes every path unless its policy excludes some. To keep all of them in SQLite would make each write pay
for queries that never come. So the first query that compares a property with one value and has many items to go
through makes an index over that property of that container; from then on SQLite maintains it. It only finds
candidates: the query is evaluated on each of them as on any item, so an index may find too much, never too little.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from localazure.cosmos.resources import Container
from localazure.cosmos.scope import Scan, Scope
from localazure.cosmos.store import Store
from localazure.cosmos.writer import SYSTEM_PROPERTIES

MAX_INDEXES: Final = 16  # of one container: each makes its writes a little slower
EXACT: Final = 2**53  # whole numbers up to here are the same for SQLite and as doubles

_PREFIX: Final = "property"
_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*")

Path = tuple[str, ...]


class PropertyIndexes:
    """The indexes in the file, as (container's number, path)."""

    def __init__(self, store: Store, live: Iterable[int]) -> None:
        """`live` are the numbers of the containers that exist; the indexes of others are dropped."""
        self._store = store
        self._known: set[tuple[int, Path]] = set()
        existing = set(live)
        for (name,) in store.rows("list_property_indexes", prefix=f"{_PREFIX} %"):
            _, number, path = name.split(" ")
            if int(number) in existing:
                self._adopt(int(number), tuple(path.split("/")))
            else:
                store.run(store.define(f"drop {name}", "drop_property_index", index=name))

    def scan(
        self, container: Container, scope: Scope, equalities: Mapping[Path, list[Any]], given: Mapping[str, Any]
    ) -> Scan | None:
        """The statement that finds what one of the equalities allows, with the parameters that any scan is given.

        None when no index helps, or when the scope is a logical partition, which narrows more.
        """
        if scope.key is not None:
            return None
        for path, values in equalities.items():
            if len(values) == 1 and _is_exact(values[0]) and self._has(container, path):
                interval = {"epk_from": scope.epk_from, "epk_to": scope.epk_to}
                return Scan(_name(container.number, path), {**given, **interval, "value": values[0]})
        return None

    def _has(self, container: Container, path: Path) -> bool:
        """Make the index unless it exists, or must not."""
        if (container.number, path) in self._known:
            return True
        plain = all(map(_PLAIN_NAME.fullmatch, path)) and path[0] not in {*SYSTEM_PROPERTIES, "id"}
        full = sum(number == container.number for number, _ in self._known) >= MAX_INDEXES
        if not plain or full or not container.index.covers(path):
            return False
        self._adopt(container.number, path)
        return True

    def _adopt(self, number: int, path: Path) -> None:
        name = _name(number, path)
        constants = {"index": name, "container": str(number), "path": ".".join(("$", *(f'"{key}"' for key in path)))}
        self._store.run(self._store.define(f"make {name}", "make_property_index", **constants))
        self._store.define(name, "scan_property", **constants)
        self._known.add((number, path))


def _name(number: int, path: Path) -> str:
    return f"{_PREFIX} {number} {'/'.join(path)}"


def _is_exact(value: object) -> bool:
    """Whether SQLite finds all that equals a value. It cuts texts at a NUL, and null is to it as if absent."""
    match value:
        case bool():
            return True
        case str():
            return not any(character == "\0" or "\ud800" <= character <= "\udfff" for character in value)
        case int() | float():
            return abs(value) < EXACT and value == int(value)
    return False
