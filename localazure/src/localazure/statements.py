"""SQL in a file of its own: each statement stands under a line `-- name: purpose`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files

_STATEMENT = re.compile(r"^-- (?P<name>\w+): .+\n(?P<sql>(?:(?!-- ).+\n)+)", re.MULTILINE)


def load_statements(package: str) -> Mapping[str, str]:
    """The statements of the package's `queries.sql` by name. None of them holds an empty line."""
    text = files(package).joinpath("queries.sql").read_text()
    return {found["name"]: found["sql"] for found in _STATEMENT.finditer(text)}
