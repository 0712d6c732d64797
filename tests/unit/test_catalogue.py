from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.catalogue import Product, Stock, demand, why_unpriceable
from domain.errors import Rejected
from domain.money import CURRENCIES, amount_text
from tests.unit.conftest import AT

lines = st.lists(st.tuples(st.sampled_from(["A", "B", "C", "D"]), st.integers(1, 1000)), min_size=1)


def a_product(sku: str, currency: str = "EUR") -> Product:
    return Product(sku=sku, name=sku, unit_amount_minor=100, currency=currency, warehouse="berlin", updated_at=AT)


@given(lines)
def test_demand_loses_and_invents_nothing(wanted: list[tuple[str, int]]) -> None:
    summed = demand(wanted)

    assert sum(item.quantity for item in summed) == sum(quantity for _, quantity in wanted)
    assert [item.sku for item in summed] == sorted({sku for sku, _ in wanted})


@given(lines, st.randoms())
def test_demand_does_not_depend_on_the_order_of_lines(wanted: list[tuple[str, int]], random: object) -> None:
    shuffled = wanted.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis gives a random.Random

    assert demand(shuffled) == demand(wanted)


@given(st.integers(0, 100), st.integers(0, 100), st.integers(-300, 300))
def test_adjusted_stock_always_covers_what_is_reserved(on_hand: int, reserved: int, delta: int) -> None:
    stock = Stock(sku="TEA", on_hand=on_hand + reserved, reserved=reserved)

    if stock.on_hand + delta >= reserved:
        assert stock.adjusted(delta).on_hand == stock.on_hand + delta
    else:
        with pytest.raises(Rejected, match="are reserved"):
            stock.adjusted(delta)


def test_unknown_sku_comes_before_the_wrong_currency() -> None:
    problem = why_unpriceable("EUR", {"A": a_product("A", "USD"), "B": None})

    assert problem == ("unknown_sku", "B is not in the catalogue")


def test_product_in_another_currency_cannot_be_priced() -> None:
    problem = why_unpriceable("EUR", {"A": a_product("A"), "B": a_product("B", "USD")})

    assert problem == ("currency_mismatch", "B is sold in USD, the order is in EUR")


def test_known_products_in_the_right_currency_can_be_priced() -> None:
    assert why_unpriceable("EUR", {"A": a_product("A")}) is None


@pytest.mark.parametrize(
    ("amount_minor", "currency", "text"),
    [(1250, "EUR", "12.50 EUR"), (5, "EUR", "0.05 EUR"), (1250, "JPY", "1250 JPY"), (1250, "KWD", "1.250 KWD")],
)
def test_amounts_are_written_as_their_currency_is(amount_minor: int, currency: str, text: str) -> None:
    assert currency in CURRENCIES
    assert amount_text(amount_minor, currency) == text
