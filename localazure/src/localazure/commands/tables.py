"""Tables for people at a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import click

from localazure.console import Console

WIDEST: Final = 60


def show_table(console: Console, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Print rows under their column names; numbers to the right, what is absent as nothing, long texts shortened."""
    rows = list(rows)
    cells = [[_cell(row.get(column, "")) for column in columns] for row in rows]
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    numeric = [bool(rows) and all(isinstance(row.get(column), int | float) for row in rows) for column in columns]
    console.show(click.style(_line(columns, widths, numeric), bold=True))
    for line in cells:
        console.show(_line(line, widths, numeric))


def columns_of(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """The names of all members, in the order of their first appearance."""
    return list(dict.fromkeys(name for row in rows for name in row))


def _cell(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"


def _line(cells: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> str:
    padded = (
        cell.rjust(width) if right else cell.ljust(width)
        for cell, width, right in zip(cells, widths, numeric, strict=True)
    )
    return "  ".join(padded).rstrip()
