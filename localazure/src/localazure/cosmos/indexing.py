"""What a container indexes: the values that writes are charged for, and the paths that queries may look up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from localazure.cosmos.paths import PropertyPath, parse_path

Terms = frozenset[tuple[str, Any]]

PATHS_REMEMBERED: Final = 4096
_EVERYTHING: Final = ({"path": "/*"},)


class IndexingPolicy:
    """A container's policy, read once. What it says about a path is remembered: documents have the same ones."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._off = str(given.get("indexingMode", "")).lower() == "none"
        self._included = _paths(given.get("includedPaths", _EVERYTHING))
        self._excluded = _paths(given.get("excludedPaths", ()))
        self._term = lru_cache(PATHS_REMEMBERED)(self._term_at)

    def terms(self, document: Mapping[str, Any]) -> Terms:
        """The indexed values of a document: (path, scalar) pairs, array positions collapsed."""
        found = set()
        pending: list[tuple[PropertyPath, Any]] = [((), document)]
        while pending:
            path, node = pending.pop()
            for name, value in node.items() if isinstance(node, dict) else (("[]", member) for member in node):
                if isinstance(value, dict | list):
                    pending.append(((*path, name), value))
                elif term := self._term(path, name):
                    found.add((term, value))
        return frozenset(found)

    def covers(self, path: PropertyPath) -> bool:
        """Whether the scalar at a path is indexed: the more precise of the policy's paths decides."""
        included = path == ("id",) or _precision(self._included, path) > _precision(self._excluded, path)
        return included and not self._off

    def _term_at(self, parent: PropertyPath, name: str) -> str:
        """The path of a member as a text; empty when it is not indexed."""
        path = (*parent, name)
        return "/".join(path) if self.covers(path) else ""


def _paths(entries: Iterable[Mapping[str, str]]) -> list[PropertyPath]:
    return [parse_path(entry["path"]) for entry in entries]


def _precision(policy_paths: Iterable[PropertyPath], path: PropertyPath) -> int:
    """How closely the best of the policy's paths describes this one, 0 if none does."""
    exact = (*path, "?")
    covering = (2 * len(one) - (one[-1] == "*") for one in policy_paths if one == exact or _is_above(one, path))
    return max(covering, default=0)


def _is_above(policy_path: PropertyPath, path: PropertyPath) -> bool:
    return policy_path[-1] == "*" and path[: len(policy_path) - 1] == policy_path[:-1]
