from __future__ import annotations

import asyncio

import pytest

from adapters.refreshing import Refreshing


class Source:
    """Somewhere to fetch from, and a clock to let time pass."""

    def __init__(self) -> None:
        self.now = 0.0
        self.value = "first"
        self.is_down = False
        self.fetches = 0
        self.kept = Refreshing("it", self.fetch, fresh_s=300, usable_s=3600, clock=lambda: self.now)

    async def fetch(self) -> str:
        self.fetches += 1
        await asyncio.sleep(0)
        if self.is_down:
            raise ConnectionError
        return self.value

    async def settled(self) -> None:
        """Let a renewal in the background end."""
        for _ in range(5):
            await asyncio.sleep(0)


async def test_fresh_value_is_fetched_once() -> None:
    source = Source()

    assert await asyncio.gather(*(source.kept.get() for _ in range(10))) == ["first"] * 10
    source.now = 299
    assert await source.kept.get() == "first"
    assert source.fetches == 1


async def test_older_value_is_given_at_once_and_renewed_behind() -> None:
    source = Source()
    await source.kept.get()
    source.now, source.value = 301, "second"

    assert await source.kept.get() == "first"
    await source.settled()
    assert await source.kept.get() == "second"


async def test_value_outlives_an_outage_until_it_is_too_old() -> None:
    source = Source()
    await source.kept.get()
    source.is_down = True
    for now in (301, 3600):
        source.now = now
        assert await source.kept.get() == "first"
        await source.settled()

    source.now = 3601
    with pytest.raises(ConnectionError):
        await source.kept.get()


async def test_first_fetch_that_fails_is_tried_again() -> None:
    source = Source()
    source.is_down = True
    with pytest.raises(ConnectionError):
        await source.kept.get()
    source.is_down = False

    assert await source.kept.get() == "first"


async def test_failed_renewal_is_logged_without_the_value(caplog: pytest.LogCaptureFixture) -> None:
    source = Source()
    source.value = "s3cret"
    await source.kept.get()
    source.now, source.is_down = 400, True
    await source.kept.get()
    await source.settled()

    assert "renewing it failed: ConnectionError; the last value, 400 s old, is kept" in caplog.text
    assert "s3cret" not in caplog.text
