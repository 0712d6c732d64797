"""What a container may be told: validation of its properties, and the parts that a caller may leave out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from localazure.cosmos import partition_key
from localazure.cosmos.errors import BadRequest
from localazure.cosmos.paths import parse_path

MAX_TTL_S: Final = 2_147_483_647
MAX_UNIQUE_KEYS: Final = 10
MAX_UNIQUE_PATHS: Final = 16

_SYSTEM: Final = frozenset(
    {"id", "_rid", "_ts", "_self", "_etag", "_docs", "_sprocs", "_triggers", "_udfs", "_conflicts"},
)
_KEPT_ON_REPLACE: Final = (
    "partitionKey",
    "uniqueKeyPolicy",
    "conflictResolutionPolicy",
    "vectorEmbeddingPolicy",
    "changeFeedPolicy",
)


def complete(body: Mapping[str, Any]) -> dict[str, Any]:
    """The properties of a new container, with defaults. Raises BadRequest for what the service would refuse."""
    given = {name: value for name, value in body.items() if name not in _SYSTEM}
    definition = partition_key.define(given.get("partitionKey"))
    _check_ttl(given)
    _check_unique_keys(given.get("uniqueKeyPolicy", {}))
    return {
        "indexingPolicy": _complete_indexing(given.pop("indexingPolicy", None)),
        "partitionKey": {"version": definition.version, "kind": "Hash", **given.pop("partitionKey")},
        **given,
        "conflictResolutionPolicy": given.get("conflictResolutionPolicy")
        or {"mode": "LastWriterWins", "conflictResolutionPath": "/_ts", "conflictResolutionProcedure": ""},
        "geospatialConfig": given.get("geospatialConfig") or {"type": "Geography"},
    }


def replaced(old: Mapping[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """The properties after a replace. Clients do not send all that stays; what never changes must not be changed."""
    kept = {name: old[name] for name in _KEPT_ON_REPLACE if name in old}
    key = body.get("partitionKey", {})
    if not isinstance(key, Mapping) or old["partitionKey"] != {**old["partitionKey"], **key}:
        raise BadRequest("The partition key of a container cannot be changed.")
    new = complete({**kept, **body, "partitionKey": old["partitionKey"]})
    if new.get("uniqueKeyPolicy") != old.get("uniqueKeyPolicy"):
        raise BadRequest("The unique keys of a container cannot be changed.")
    return new


def check_ttl(value: object) -> None:
    """Raises BadRequest unless the value is a time to live: -1 (never) or seconds."""
    if isinstance(value, bool) or not isinstance(value, int) or not (value == -1 or 1 <= value <= MAX_TTL_S):
        raise BadRequest(f"The time to live {value!r} is neither -1 nor a number of seconds from 1 to {MAX_TTL_S}.")


def _check_ttl(given: Mapping[str, Any]) -> None:
    if "defaultTtl" in given:
        check_ttl(given["defaultTtl"])


def _check_unique_keys(policy: object) -> None:
    keys = policy.get("uniqueKeys", []) if isinstance(policy, Mapping) else None
    if not isinstance(keys, list) or len(keys) > MAX_UNIQUE_KEYS:
        raise BadRequest(f"A container has at most {MAX_UNIQUE_KEYS} unique keys.")
    for key in keys:
        paths = key.get("paths") if isinstance(key, Mapping) else None
        if not isinstance(paths, list) or not 1 <= len(paths) <= MAX_UNIQUE_PATHS:
            raise BadRequest(f"A unique key has 1 to {MAX_UNIQUE_PATHS} paths.")
        for path in paths:
            parse_path(path)


def _complete_indexing(policy: object) -> dict[str, Any]:
    given = dict(policy) if isinstance(policy, Mapping) else {}
    given.setdefault("indexingMode", "consistent")
    given.setdefault("automatic", True)
    given.setdefault("includedPaths", [{"path": "/*"}])
    given.setdefault("excludedPaths", [{"path": '/"_etag"/?'}])
    if not isinstance(given["includedPaths"], list) or not isinstance(given["excludedPaths"], list):
        raise BadRequest("The paths of an indexing policy are lists.")
    for entry in (*given["includedPaths"], *given["excludedPaths"]):
        parse_path(entry.get("path") if isinstance(entry, Mapping) else entry)
    return given
