"""The paths of blob triggers: `container`, or `container/` and a pattern with `{name}` placeholders."""

from __future__ import annotations

import re
from dataclasses import dataclass

_CONTAINER = re.compile(r"\$root|\$web|\$logs|(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_PIECE = re.compile(r"\{\{|\}\}|\{(?P<name>[^{}]*)\}|(?P<text>[^{}]+)")
_NAME = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True)
class BlobPattern:
    """Which blobs of a container a function wants, and what its placeholders stand for."""

    container: str
    names: re.Pattern[str]

    @classmethod
    def parse(cls, path: str) -> BlobPattern:
        """Raises ValueError."""
        container, _, pattern = path.lstrip("/").partition("/")
        if not _CONTAINER.fullmatch(container):
            raise ValueError(f"Invalid container name '{container}' in the blob path '{path}'.")
        return cls(container, _expression(pattern, path) if pattern else re.compile(".*", re.DOTALL))

    def match(self, name: str) -> dict[str, str] | None:
        """The values of the placeholders, or None when the blob is not wanted. The case of letters counts."""
        found = self.names.fullmatch(name)
        return found.groupdict() if found else None


def split_path(path: str) -> tuple[str, str]:
    """Container and name of one blob. Raises ValueError."""
    container, _, name = path.lstrip("/").partition("/")
    if not _CONTAINER.fullmatch(container) or not name:
        raise ValueError(f"'{path}' is not the path of a blob (container/name).")
    return container, name


def _expression(pattern: str, path: str) -> re.Pattern[str]:
    """Earlier placeholders take as much as they can, so that the last one takes the least."""
    text, position, names = "", 0, set[str]()
    while position < len(pattern):
        piece = _PIECE.match(pattern, position)
        if piece is None:
            raise ValueError(f"Invalid template '{path}': a curly bracket has no counterpart.")
        name = piece["name"]
        if name is None:
            text += re.escape(piece["text"] or piece[0][0])
        elif not _NAME.fullmatch(name) or name in names:
            raise ValueError(f"Invalid template '{path}': the parameter name '{name}' is invalid or used twice.")
        else:
            text += f"(?P<{name}>.*)"
            names.add(name)
        position = piece.end()
    return re.compile(text, re.DOTALL)
