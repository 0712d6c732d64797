"""Request charges, as an estimate.

Microsoft publishes example figures, not the formula. These numbers follow the published tables by size and are there
to catch surprises of an order of magnitude and to exercise code that reads the header, not to forecast a bill.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from localazure.cosmos.paths import PropertyPath, parse_path

PER_INDEXED_VALUE: Final = 0.2
PER_PATCH_OPERATION: Final = 0.4
PER_EXAMINED_ITEM: Final = 0.05
QUERY_BASE: Final = 2.3
METADATA: Final = 1.0
CREATE_RESOURCE: Final = 5.0
SMALLEST: Final = 1.0

_SIZES_KIB: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)
_READ: Final = (1.00, 1.04, 1.14, 1.33, 1.67, 2.19, 4.76, 9.95, 20.28, 40.95, 145.90, 291.80)
_WRITE: Final = (4.95, 6.29, 6.67, 7.04, 9.52, 11.23, 22.67, 48.19, 98.29, 184.57, 625.00, 1250.00)

Terms = frozenset[tuple[str, Any]]

_EVERYTHING: Final = ({"path": "/*"},)


def read_ru(size: int) -> float:
    """A point read of an item of so many bytes."""
    return _interpolated(_READ, size)


def write_ru(size: int, terms: Terms) -> float:
    """A create or delete of an item of so many bytes with these indexed values."""
    return _interpolated(_WRITE, size) + PER_INDEXED_VALUE * len(terms)


def change_ru(old_size: int, new_size: int, old: Terms, new: Terms, operations: int = 0) -> float:
    """A replace, an upsert of an existing item, or a patch of so many operations."""
    moved = len(old ^ new)
    sizes = _interpolated(_WRITE, old_size) + _interpolated(_WRITE, new_size)
    return sizes + PER_INDEXED_VALUE * moved + PER_PATCH_OPERATION * operations


def feed_ru(sizes: Iterable[int]) -> float:
    """A page of a read feed or change feed."""
    return max(SMALLEST, sum(read_ru(size) for size in sizes))


def query_ru(row_sizes: Iterable[int], examined: int) -> float:
    """A page of a query that returned rows of these sizes and looked at so many items."""
    return QUERY_BASE + sum(read_ru(size) for size in row_sizes) + PER_EXAMINED_ITEM * examined


def terms(document: Mapping[str, Any], indexing_policy: Mapping[str, Any]) -> Terms:
    """The indexed values of a document: (path, scalar) pairs, array positions collapsed."""
    if str(indexing_policy.get("indexingMode", "")).lower() == "none":
        return frozenset()
    included = _paths(indexing_policy.get("includedPaths", _EVERYTHING))
    excluded = _paths(indexing_policy.get("excludedPaths", ()))
    found = set()
    pending: list[tuple[PropertyPath, Any]] = [((name,), value) for name, value in document.items()]
    while pending:
        path, value = pending.pop()
        if isinstance(value, dict):
            pending.extend(((*path, name), member) for name, member in value.items())
        elif isinstance(value, list):
            pending.extend(((*path, "[]"), member) for member in value)
        elif path == ("id",) or _precision(included, path) > _precision(excluded, path):
            found.add(("/".join(path), value))
    return frozenset(found)


def _paths(entries: Iterable[Mapping[str, str]]) -> list[PropertyPath]:
    return [_parse(entry["path"]) for entry in entries]


_parse: Final = lru_cache(maxsize=1024)(parse_path)


def _precision(policy_paths: Iterable[PropertyPath], path: PropertyPath) -> int:
    """How closely the best of the policy's paths describes this one, 0 if none does: the more precise path decides."""
    exact = (*path, "?")
    covering = (2 * len(one) - (one[-1] == "*") for one in policy_paths if one == exact or _is_above(one, path))
    return max(covering, default=0)


def _is_above(policy_path: PropertyPath, path: PropertyPath) -> bool:
    return policy_path[-1] == "*" and path[: len(policy_path) - 1] == policy_path[:-1]


def as_header(charge: float) -> str:
    """Two decimals at most, never an exponent."""
    return f"{charge:.2f}".rstrip("0").rstrip(".")


def _interpolated(table: tuple[float, ...], size: int) -> float:
    kib = size / 1024
    if kib <= 1:
        return table[0]
    upper = min(bisect_right(_SIZES_KIB, kib), len(table) - 1)
    left, right = _SIZES_KIB[upper - 1], _SIZES_KIB[upper]
    return table[upper - 1] + (table[upper] - table[upper - 1]) * (kib - left) / (right - left)
