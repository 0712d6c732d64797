"""What a caller sends to place an order, over HTTP and over the queue alike."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from domain.shapes import Currency, Identifier, Request, Text

Quantity = Annotated[int, Field(ge=1, le=100_000)]
PaymentMethod = Annotated[str, Field(pattern="^pm_[A-Za-z0-9_]{1,97}$", description="never a card number")]
Email = Annotated[str, Field(pattern=r'^[^@\s\p{Cc}<>(),;:"\[\]\\]+@[^@\s\p{Cc}<>(),;:"\[\]\\]+$', max_length=254)]


class Address(Request):
    """Where the parcels go."""

    name: Text
    line1: Text
    line2: Text | None = None
    postal_code: Text
    city: Text
    country: Annotated[str, Field(pattern="^[A-Z]{2}$", description="ISO 3166-1 alpha-2 code")]


class RequestedLine(Request):
    """So many pieces of one SKU."""

    sku: Identifier
    quantity: Quantity


class PlaceOrder(Request):
    """Body of `POST /v1/orders`. Prices are not in it: they come from the catalogue."""

    customer_id: Identifier
    currency: Currency
    payment_method: PaymentMethod
    lines: Annotated[list[RequestedLine], Field(min_length=1, max_length=100)]
    ship_to: Address
    reference: Text | None = None
    email: Email | None = None


class QueuedOrder(Request):
    """A message of the queue `orders`. Its id is the idempotency key."""

    id: Annotated[str, Field(pattern="^[ -~]{1,200}$")]
    tenant_id: Identifier
    order: PlaceOrder
    correlation_id: Annotated[str, Field(pattern="^[ -~]{1,128}$")] | None = None
