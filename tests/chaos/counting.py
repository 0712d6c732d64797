"""How many cases were proved, for people to read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

Counts = Counter[tuple[str, str]]
"""Number of cases by invariant and story."""


def table(counts: Counts) -> Iterator[str]:
    """One line per invariant, and one per story."""
    invariants, stories = Counter[str](), Counter[str]()
    for (invariant, story), number in counts.items():
        invariants[invariant] += number
        stories[story] = max(stories[story], number)
    for title, sums in (("invariant", invariants), ("story", stories)):
        for name, number in sums.items():
            yield f"  {title:10}{name.replace('_', ' '):40}{number:6}"
