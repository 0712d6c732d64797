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
        self.covers = lru_cache(PATHS_REMEMBERED)(self._covers)

    def terms(self, document: Mapping[str, Any]) -> Terms:
        """The indexed values of a document: (path, scalar) pairs, array positions collapsed."""
        if self._off:
            return frozenset()
        found = set()
        pending: list[tuple[PropertyPath, Any]] = [((name,), value) for name, value in document.items()]
        while pending:
            path, value = pending.pop()
            if isinstance(value, dict):
                pending.extend(((*path, name), member) for name, member in value.items())
            elif isinstance(value, list):
                pending.extend(((*path, "[]"), member) for member in value)
            elif self.covers(path):
                found.add(("/".join(path), value))
        return frozenset(found)

    def _covers(self, path: PropertyPath) -> bool:
        """Whether the scalar at a path is indexed: the more precise of the policy's paths decides."""
        included = path == ("id",) or _precision(self._included, path) > _precision(self._excluded, path)
        return included and not self._off


def _paths(entries: Iterable[Mapping[str, str]]) -> list[PropertyPath]:
    return [parse_path(entry["path"]) for entry in entries]


def _precision(policy_paths: Iterable[PropertyPath], path: PropertyPath) -> int:
    """How closely the best of the policy's paths describes this one, 0 if none does."""
    exact = (*path, "?")
    covering = (2 * len(one) - (one[-1] == "*") for one in policy_paths if one == exact or _is_above(one, path))
    return max(covering, default=0)


def _is_above(policy_path: PropertyPath, path: PropertyPath) -> bool:
    return policy_path[-1] == "*" and path[: len(policy_path) - 1] == policy_path[:-1]
