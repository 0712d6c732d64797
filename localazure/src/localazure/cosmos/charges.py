"""Request charges, as an estimate.

Microsoft publishes example figures, not the formula. These numbers follow the published tables by size and are there
to catch surprises of an order of magnitude and to exercise code that reads the header, not to forecast a bill.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import Final

from localazure.cosmos.indexing import Terms

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
