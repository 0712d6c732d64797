"""What a benchmark says, as a table for people and as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

LATEST = Path(__file__).parent / "results/latest.json"


@dataclass(frozen=True)
class Measurement:
    """One figure. `goal` is a bound such as "<= 1.1" in the same unit, or None where nothing is promised."""

    name: str
    value: float
    unit: str
    goal: str | None = None

    @property
    def held(self) -> bool | None:
        """Whether the goal is met; None without a goal."""
        if self.goal is None:
            return None
        relation, bound = self.goal.split()
        return self.value <= float(bound) if relation == "<=" else self.value >= float(bound)


def table(measurements: Iterable[Measurement]) -> str:
    """Columns name, value, unit, goal, held."""
    rows = [("name", "value", "unit", "goal", "held")]
    rows += [(m.name, f"{m.value:.4g}", m.unit, m.goal or "-", _word(m.held)) for m in measurements]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def write(measurements: Iterable[Measurement]) -> None:
    """Write bench/results/latest.json: {name: {"value", "unit", "goal", "held"}}."""
    figures = {
        m.name: {"value": round(m.value, 4), "unit": m.unit, "goal": m.goal, "held": m.held} for m in measurements
    }
    LATEST.parent.mkdir(exist_ok=True)
    LATEST.write_text(json.dumps(figures, indent=2) + "\n")


def _word(held: bool | None) -> str:
    return "-" if held is None else "yes" if held else "no"
