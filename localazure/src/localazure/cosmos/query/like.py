"""LIKE patterns. A pattern is cut at its `%` signs into pieces of fixed length, and each piece is looked for from
where the one before it ended; taking the first place is always right, so matching never backtracks."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache


@lru_cache(maxsize=512)
def like(pattern: str, escape: str | None) -> Callable[[str], bool]:
    """A test of whole strings, case-sensitive: `%`, `_`, `[a-z]`, `[^a]`, and `escape` before a literal character."""
    pieces = [re.compile(piece, re.DOTALL) for piece in _pieces(pattern, escape)]
    if len(pieces) == 1:
        return lambda text: pieces[0].fullmatch(text) is not None
    first, *middle, last = pieces
    ending = re.compile(f"(?:{last.pattern})\\Z", re.DOTALL)

    def matches(text: str) -> bool:
        found = first.match(text)
        for piece in middle:
            found = found and piece.search(text, found.end())
        return found is not None and ending.search(text, found.end()) is not None

    return matches


def _pieces(pattern: str, escape: str | None) -> list[str]:
    """Regular expressions of fixed length between the `%` signs."""
    pieces = [""]
    position = 0
    while position < len(pattern):
        character = pattern[position]
        position += 1
        if character == escape and position < len(pattern):
            pieces[-1] += re.escape(pattern[position])
            position += 1
        elif character == "%":
            pieces.append("")
        elif character == "_":
            pieces[-1] += "."
        elif character == "[" and (end := pattern.find("]", position + 1)) > 0:
            pieces[-1] += _set(pattern[position:end])
            position = end + 1
        else:
            pieces[-1] += re.escape(character)
    return pieces


def _set(content: str) -> str:
    negated = "^" if content.startswith("^") else ""
    members = content[len(negated) :].replace("\\", "\\\\").replace("[", "\\[").replace("^", "\\^")
    members = re.sub(r"([&|~])", r"\\\1", members)
    try:
        re.compile(f"[{members}]")
    except re.error:
        return r"(?!)"
    return f"[{negated}{members}]"
