from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from adapters import products, stock
from adapters.stock import Reserving
from domain.catalogue import Product, Reservation
from domain.errors import ConditionFailed, Conflict, NotFound, Rejected
from tests.integration.conftest import AT, StockUp, an_adjustment


def a_reservation(tenant_id: str, order_id: str, quantity: int = 1, sku: str = "TEA") -> Reservation:
    return Reservation(
        tenant_id=tenant_id, sku=sku, order_id=order_id, quantity=quantity, expires_at=AT + timedelta(minutes=30)
    )


async def counts(tenant_id: str, sku: str = "TEA") -> tuple[int, int]:
    found = (await stock.get(tenant_id, sku)).value
    return found.on_hand, found.reserved


async def test_reserving_twice_holds_once(tenant_id: str, stock_up: StockUp) -> None:
    await stock_up("TEA", 10)

    outcomes = [await stock.reserve(tenant_id, a_reservation(tenant_id, "o-1", 3)) for _ in range(2)]

    assert outcomes == [Reserving.RESERVED, Reserving.RESERVED]
    assert await counts(tenant_id) == (10, 3)


async def test_fewer_pieces_than_are_wanted_by_now_are_not_enough(tenant_id: str, stock_up: StockUp) -> None:
    await stock_up("TEA", 2)
    wanted = a_reservation(tenant_id, "o-1", 5)

    assert await stock.reserve_in_part(tenant_id, wanted) == 2
    assert await stock.reserve(tenant_id, wanted) is Reserving.OUT_OF_STOCK
    assert await counts(tenant_id) == (2, 2)


async def test_two_runs_that_reserve_in_part_at_once_tell_the_same(
    tenant_id: str, stock_up: StockUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stock_up("TEA", 2)
    wanted, get, late = a_reservation(tenant_id, "o-1", 5), stock.get, True

    async def get_and_fall_behind(tenant_id: str, sku: str) -> Any:
        nonlocal late
        seen = await get(tenant_id, sku)
        if late:
            late = False
            await stock.adjust(tenant_id, sku, an_adjustment(2))
            assert await stock.reserve_in_part(tenant_id, wanted) == 4
        return seen

    monkeypatch.setattr(stock, "get", get_and_fall_behind)

    assert await stock.reserve_in_part(tenant_id, wanted) == 4
    assert await counts(tenant_id) == (4, 4)


async def test_fifty_orders_for_ten_pieces_reserve_exactly_ten(tenant_id: str, stock_up: StockUp) -> None:
    await stock_up("TEA", 10)

    outcomes = await asyncio.gather(
        *(stock.reserve(tenant_id, a_reservation(tenant_id, f"o-{number}")) for number in range(50))
    )

    assert Counter(outcomes) == {Reserving.RESERVED: 10, Reserving.OUT_OF_STOCK: 40}
    assert await counts(tenant_id) == (10, 10)


async def test_refused_reservation_leaves_no_trace(tenant_id: str, stock_up: StockUp) -> None:
    await stock_up("TEA", 2)

    assert await stock.reserve(tenant_id, a_reservation(tenant_id, "o-1", 3)) is Reserving.OUT_OF_STOCK
    assert await stock.release(tenant_id, "TEA", "o-1") is False
    assert await counts(tenant_id) == (2, 0)


async def test_unknown_sku_cannot_be_reserved(tenant_id: str) -> None:
    assert await stock.reserve(tenant_id, a_reservation(tenant_id, "o-1")) is Reserving.UNKNOWN_SKU


async def test_releasing_twice_gives_back_once(tenant_id: str, stock_up: StockUp) -> None:
    await stock_up("TEA", 10)
    for order_id in ("o-1", "o-2"):
        await stock.reserve(tenant_id, a_reservation(tenant_id, order_id, 4))

    released = [await stock.release(tenant_id, "TEA", "o-1") for _ in range(2)]

    assert released == [True, False]
    assert await counts(tenant_id) == (10, 4)


async def test_release_at_once_from_many_sides_gives_back_once(tenant_id: str, stock_up: StockUp) -> None:
    await stock_up("TEA", 10)
    await stock.reserve(tenant_id, a_reservation(tenant_id, "o-1", 4))

    released = await asyncio.gather(*(stock.release(tenant_id, "TEA", "o-1") for _ in range(10)))

    assert Counter(released) == {True: 1, False: 9}
    assert await counts(tenant_id) == (10, 0)


async def test_adjustment_repeated_under_its_key_gets_the_first_answer(tenant_id: str, stock_up: StockUp) -> None:
    await stock_up("TEA", 10)
    first = await stock.adjust(tenant_id, "TEA", an_adjustment(5, key="delivery"))
    await stock.adjust(tenant_id, "TEA", an_adjustment(1))

    again = await stock.adjust(tenant_id, "TEA", an_adjustment(5, key="delivery"))

    assert again == first
    assert await counts(tenant_id) == (16, 0)


async def test_adjustment_with_another_body_under_the_same_key_is_refused(tenant_id: str, stock_up: StockUp) -> None:
    await stock_up("TEA", 10)
    await stock.adjust(tenant_id, "TEA", an_adjustment(5, key="delivery"))

    with pytest.raises(Conflict, match="another body"):
        await stock.adjust(tenant_id, "TEA", an_adjustment(6, key="delivery"))


async def test_adjustment_never_breaks_a_promise(tenant_id: str, stock_up: StockUp) -> None:
    await stock_up("TEA", 10)
    await stock.reserve(tenant_id, a_reservation(tenant_id, "o-1", 4))

    with pytest.raises(Rejected, match="3 would be left on hand, and 4 are reserved"):
        await stock.adjust(tenant_id, "TEA", an_adjustment(-7))
    assert (await stock.adjust(tenant_id, "TEA", an_adjustment(-6))).on_hand == 4


async def test_unknown_sku_cannot_be_adjusted(tenant_id: str) -> None:
    with pytest.raises(NotFound):
        await stock.adjust(tenant_id, "TEA", an_adjustment(5))


async def test_expired_reservations_are_found_and_extended_ones_are_not(tenant_id: str, stock_up: StockUp) -> None:
    await stock_up("TEA", 10)
    for order_id in ("o-1", "o-2"):
        await stock.reserve(tenant_id, a_reservation(tenant_id, order_id))
    later = AT + timedelta(hours=1)
    await stock.extend(tenant_id, "TEA", "o-2", later + timedelta(minutes=1))
    await stock.extend(tenant_id, "TEA", "no-such-order", later)

    found = [held.order_id async for held in stock.expired_reservations(later) if held.tenant_id == tenant_id]

    assert found == ["o-1"]


async def test_changed_product_keeps_its_stock(tenant_id: str, stock_up: StockUp) -> None:
    await stock_up("TEA", 10)
    await stock_up("TEA", 0, amount_minor=1300)

    assert (await products.get(tenant_id, "TEA")).value.unit_amount_minor == 1300
    assert await counts(tenant_id) == (10, 0)


async def test_product_of_another_version_is_not_overwritten(tenant_id: str, stock_up: StockUp) -> None:
    await stock_up("TEA", 0)
    read = await products.get(tenant_id, "TEA")
    await products.put(tenant_id, read.value.model_copy(update={"name": "Green tea"}), lambda etag: etag == read.etag)

    with pytest.raises(ConditionFailed):
        await products.put(tenant_id, read.value, lambda etag: etag == read.etag)
    with pytest.raises(ConditionFailed):
        await products.put(tenant_id, a_product("COFFEE"), lambda etag: etag == read.etag)


def a_product(sku: str) -> Product:
    return Product(sku=sku, name=sku, unit_amount_minor=1, currency="EUR", warehouse="berlin", updated_at=AT)


async def test_one_tenant_does_not_see_anothers_stock(tenant_id: str, stock_up: StockUp) -> None:
    await stock_up("TEA", 10)

    with pytest.raises(NotFound):
        await stock.get(f"{tenant_id}-other", "TEA")
