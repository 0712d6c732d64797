"""Time to live: when an item expires. `sweeper` removes what has expired.

Reads never show an expired item, whether or not it was swept. A write first sweeps its own logical partition, so an
expired item neither holds its id nor its unique values. Expiry counts from the last write with its fraction of a
second: from the truncated `_ts`, an item with a `ttl` of 1 could vanish within milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from localazure.cosmos.properties import check_ttl


def check_item(document: Mapping[str, Any]) -> None:
    """Raises BadRequest for a `ttl` that is neither -1 nor a positive number of seconds."""
    if "ttl" in document:
        check_ttl(document["ttl"])


def expiry(default_ttl: int | None, document: Mapping[str, Any], written_at: float) -> float | None:
    """When an item expires, in seconds since the epoch; None for never. Without a default nothing ever does."""
    if default_ttl is None:
        return None
    seconds: int = document.get("ttl", default_ttl)
    return None if seconds == -1 else written_at + seconds
