"""How hosts that share a lease container share the ranges of a change feed: evenly, without talking to each other."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any


def live_owner(lease: Mapping[str, Any], now: datetime, expiration: timedelta) -> str | None:
    """Who holds a lease; None when nobody does, or somebody who has not renewed it in time."""
    is_expired = datetime.fromisoformat(lease["timestamp"]) + expiration < now
    return None if is_expired else lease["Owner"]


def may_take(lease_id: str, owners: Mapping[str, str | None], me: str) -> bool:
    """Whether `me` may take a lease, given who holds each of them.

    What is free may be taken up to an even share. When nothing is, one may be taken away from the host that holds the
    most, as long as that makes the shares more even.
    """
    held: Counter[str] = Counter(owner for owner in owners.values() if owner is not None)
    owner = owners.get(lease_id)
    if owner is None:
        return held[me] < math.ceil(len(owners) / len({*held, me}))
    is_too_much = held[owner] == max(held.values()) and held[owner] > held[me] + 1
    return owner == me or (is_too_much and None not in owners.values())
