"""The named statements of queries.sql."""

from __future__ import annotations

import re
from importlib.resources import files


def load(text: str) -> dict[str, str]:
    """Statements by name; lines that begin with `--` are their comments."""
    parts = re.split(r"^-- name: (\w+)$", text, flags=re.MULTILINE)
    return {name: _without_comments(body) for name, body in zip(parts[1::2], parts[2::2], strict=True)}


def _without_comments(body: str) -> str:
    return "\n".join(line for line in body.splitlines() if not line.startswith("--")).strip()


SQL = load(files(__package__).joinpath("queries.sql").read_text())
