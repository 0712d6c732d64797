"""What is sold and how much of it there is.

A SKU's product, stock and reservations share one partition, so a reservation and the counter it raises commit
together. `stock.reserved` is the sum of the SKU's open reservations; what can still be sold is `on_hand - reserved`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import Field, ValidationInfo, field_validator

from domain.errors import Rejected
from domain.money import check_payable
from domain.orders import Reason
from domain.shapes import Currency, Identifier, Model, Request, Text, Utc

UnitAmount = Annotated[int, Field(gt=0, le=99_999_999, description="minor units of the currency")]


class PutProduct(Request):
    """Body of `PUT /v1/products/{sku}`."""

    name: Text
    currency: Currency
    unit_amount_minor: UnitAmount
    warehouse: Identifier

    @field_validator("unit_amount_minor")
    @classmethod
    def _is_payable(cls, amount_minor: int, info: ValidationInfo) -> int:
        """An invalid currency is reported by itself."""
        currency = info.data.get("currency")
        return check_payable(amount_minor, currency) if currency else amount_minor


class AdjustStock(Request):
    """Body of `POST /v1/products/{sku}/stock`: goods in (positive) or lost, broken, counted out (negative)."""

    delta: Annotated[int, Field(ge=-1_000_000_000, le=1_000_000_000)]
    reason: Text


class Product(Model):
    """One thing that can be ordered."""

    sku: Identifier
    name: str
    unit_amount_minor: int
    currency: str
    warehouse: str
    updated_at: Utc


class Stock(Model):
    """How much of a SKU lies in the warehouse, and how much of that is promised."""

    sku: Identifier
    on_hand: int
    reserved: int

    @property
    def free(self) -> int:
        """What can still be sold."""
        return self.on_hand - self.reserved

    def adjusted(self, delta: int) -> Stock:
        """This stock after `delta` pieces came or went. Raises Rejected if that breaks a promise already made."""
        on_hand = self.on_hand + delta
        if on_hand < self.reserved:
            raise Rejected(f"{self.sku}: {on_hand} would be left on hand, and {self.reserved} are reserved")
        return self.model_copy(update={"on_hand": on_hand})


class Adjustment(Model):
    """A change of what is on hand, known by `key` (the digest of an idempotency key)."""

    key: str
    body_hash: str
    delta: int
    reason: str
    actor: str
    at: Utc


class Reservation(Model):
    """Pieces of one SKU that are held for one order until `expires_at`."""

    tenant_id: Identifier
    sku: Identifier
    order_id: Identifier
    quantity: int
    expires_at: Utc


class Demand(Model):
    """All pieces of one SKU that an order wants, over all its lines."""

    sku: Identifier
    quantity: int


def demand(lines: Iterable[tuple[str, int]]) -> list[Demand]:
    """Sum (sku, quantity) pairs per SKU, by SKU: two lines of one SKU must not each see the whole stock."""
    totals: Counter[str] = Counter()
    for sku, quantity in lines:
        totals[sku] += quantity
    return [Demand(sku=sku, quantity=totals[sku]) for sku in sorted(totals)]


def why_unpriceable(currency: str, products: Mapping[str, Product | None]) -> tuple[Reason, str] | None:
    """The reason and detail for which these products (None: unknown) cannot be sold in `currency`, if there is one."""
    for sku, product in products.items():
        if product is None:
            return Reason.UNKNOWN_SKU, f"{sku} is not in the catalogue"
    for sku, product in products.items():
        if product and product.currency != currency:
            return Reason.CURRENCY_MISMATCH, f"{sku} is sold in {product.currency}, the order is in {currency}"
    return None
