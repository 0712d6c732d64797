"""Values that are kept for a moment."""

from __future__ import annotations

from adapters.keeping import Kept


class Source:
    """Counts how often it is asked."""

    def __init__(self, value: str | None = "tea") -> None:
        self.value = value
        self.asked = 0
        self.now = 100.0

    async def fetch(self) -> str | None:
        self.asked += 1
        return self.value


async def test_value_is_fetched_once_while_it_is_fresh() -> None:
    source = Source()
    kept: Kept[str | None] = Kept(5, lambda: source.now)

    assert [await kept.get(("acme", "TEA"), source.fetch) for _ in range(3)] == ["tea"] * 3
    assert source.asked == 1
    source.now += 5
    source.value = "coffee"
    assert await kept.get(("acme", "TEA"), source.fetch) == "coffee"


async def test_forgotten_value_is_fetched_anew_and_no_other_is() -> None:
    source = Source()
    kept: Kept[str | None] = Kept(5, lambda: source.now)
    for sku in ("TEA", "MUG"):
        await kept.get(("acme", sku), source.fetch)

    kept.forget("acme", "TEA")
    source.value = "coffee"

    assert [await kept.get(("acme", sku), source.fetch) for sku in ("TEA", "MUG")] == ["coffee", "tea"]


async def test_what_does_not_exist_is_not_kept() -> None:
    source = Source(None)
    kept: Kept[str | None] = Kept(5, lambda: source.now)

    assert await kept.get(("acme", "TEA"), source.fetch) is None
    source.value = "tea"
    assert await kept.get(("acme", "TEA"), source.fetch) == "tea"
