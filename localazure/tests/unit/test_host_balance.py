"""Who may take which lease of a change feed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from localazure.host.cosmos_balance import live_owner, may_take


def _owners(text: str) -> dict[str, str | None]:
    """`a-b` means that lease 0 is held by a, lease 1 by nobody, lease 2 by b."""
    return {str(index): None if owner == "-" else owner for index, owner in enumerate(text)}


@pytest.mark.parametrize(
    ("owners", "taken"),
    [
        ("----", "0123"),  # alone: all of them
        ("aa--", "23"),  # an even share of what is free
        ("aaa-", "3"),  # first what is free
        ("aaaa", "0123"),
        ("aabb", "0123"),  # a third host among two: either may give one
        ("aaab", "012"),  # from the one that holds the most
        ("aamm", "23"),
        ("amm", "12"),  # an uneven number stays as it is
        ("a", ""),
        ("m", "0"),
    ],
)
def test_leases_are_shared_evenly(owners, taken) -> None:
    held = _owners(owners)
    assert "".join(lease for lease in held if may_take(lease, held, "m")) == taken


def test_hosts_that_take_in_turn_come_to_even_shares_and_stop() -> None:
    held = _owners("aaaaaaa")
    moves = 0
    while candidates := [(m, i) for m in "abc" for i in held if held[i] != m and may_take(i, held, m)]:
        host, lease = candidates[0]
        held[lease] = host
        moves += 1
        assert moves < 20
    assert sorted(list(held.values()).count(host) for host in "abc") == [2, 2, 3]


def test_lease_that_was_not_renewed_in_time_is_nobodys() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    lease = {"Owner": "a", "timestamp": (now - timedelta(seconds=61)).isoformat()}
    assert live_owner(lease, now, timedelta(seconds=60)) is None
    assert live_owner(lease, now, timedelta(seconds=62)) == "a"
