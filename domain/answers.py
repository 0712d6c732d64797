"""What callers read of an order: the shapes of the API, without what is nobody's business (card, e-mail, address)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from domain.catalogue import Product, Stock
from domain.orders import Event, Line, Order, OrderStatus, Reason
from domain.payments import PaymentSummary
from domain.shapes import Model, Utc
from domain.shipments import ParcelLine, Shipment, ShipmentStatus


class ShipmentAnswer(Model):
    """One parcel of an order."""

    shipment_id: str
    warehouse: str
    status: ShipmentStatus
    lines: tuple[ParcelLine, ...]
    booked_at: Utc
    updated_at: Utc


class OrderAnswer(Model):
    """`GET /v1/orders/{orderId}`."""

    order_id: str
    tenant_id: str
    customer_id: str
    status: OrderStatus
    reason: Reason | None
    needs_attention: bool
    reference: str | None
    currency: str
    total_minor: int | None
    lines: tuple[Line, ...]
    shortage: Mapping[str, int] | None
    payment: PaymentSummary
    shipments: tuple[ShipmentAnswer, ...]
    placed_at: Utc
    updated_at: Utc

    @classmethod
    def of(cls, order: Order, shipments: Iterable[Shipment]) -> OrderAnswer:
        """What may be shown of this order and its parcels."""
        shown = [ShipmentAnswer.model_validate(shipment.model_dump()) for shipment in shipments]
        return cls.model_validate({**order.model_dump(), "shipments": shown})


class TimelineItem(Model):
    """One item of `GET /v1/orders/{orderId}/timeline`."""

    at: Utc
    type: str
    subject: str | None
    status: OrderStatus
    actor: str
    detail: str | None
    correlation_id: str

    @classmethod
    def of(cls, event: Event) -> TimelineItem:
        """What may be shown of this event."""
        return cls.model_validate(event.model_dump())


class ProductAnswer(Model):
    """`GET /v1/products/{sku}`: the product and how much of it there is."""

    sku: str
    name: str
    unit_amount_minor: int
    currency: str
    warehouse: str
    on_hand: int
    reserved: int
    updated_at: Utc

    @classmethod
    def of(cls, product: Product, stock: Stock) -> ProductAnswer:
        """What may be shown of this product."""
        return cls.model_validate({**product.model_dump(), **stock.model_dump()})


class OrderRow(Model):
    """One item of `GET /v1/orders`: a row of the view that lists a customer's orders."""

    order_id: str
    customer_id: str
    status: OrderStatus
    reason: Reason | None
    needs_attention: bool
    currency: str
    total_minor: int | None
    placed_at: Utc
    updated_at: Utc

    @classmethod
    def of(cls, order: Order) -> OrderRow:
        """The row that stands for this order."""
        return cls.model_validate(order.model_dump())
