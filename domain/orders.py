"""An order, its status, and the one table that says how the status may change.

Every change goes through `transition`, which gives back the changed order together with the timeline event that must
be stored in the same transaction; an order and its history therefore cannot tell different stories.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from pydantic import Field

from domain.errors import Defect
from domain.placement import Address, PlaceOrder
from domain.shapes import Identifier, Model, Utc


class OrderStatus(StrEnum):
    """Where an order stands."""

    PENDING = "pending"
    RESERVED = "reserved"
    AWAITING_APPROVAL = "awaiting_approval"
    CONFIRMED = "confirmed"
    PARTIALLY_SHIPPED = "partially_shipped"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    PARTIALLY_RETURNED = "partially_returned"
    RETURNED = "returned"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    FAILED = "failed"


_S = OrderStatus

TRANSITIONS: Mapping[OrderStatus, frozenset[OrderStatus]] = MappingProxyType(
    {
        _S.PENDING: frozenset({_S.RESERVED, _S.REJECTED, _S.CANCELLED, _S.FAILED}),
        _S.RESERVED: frozenset({_S.AWAITING_APPROVAL, _S.CONFIRMED, _S.REJECTED, _S.CANCELLED, _S.FAILED}),
        _S.AWAITING_APPROVAL: frozenset({_S.CONFIRMED, _S.REJECTED, _S.CANCELLED, _S.FAILED}),
        _S.CONFIRMED: frozenset({_S.PARTIALLY_SHIPPED, _S.SHIPPED, _S.CANCELLED, _S.FAILED}),
        _S.PARTIALLY_SHIPPED: frozenset({_S.SHIPPED, _S.FAILED}),
        _S.SHIPPED: frozenset({_S.DELIVERED, _S.FAILED}),
        _S.DELIVERED: frozenset({_S.PARTIALLY_RETURNED, _S.RETURNED}),
        _S.PARTIALLY_RETURNED: frozenset({_S.RETURNED}),
        _S.RETURNED: frozenset(),
        _S.REJECTED: frozenset(),
        _S.CANCELLED: frozenset(),
        _S.FAILED: frozenset(),
    }
)

UNDECIDED = frozenset({OrderStatus.PENDING, OrderStatus.RESERVED, OrderStatus.AWAITING_APPROVAL})
"""Statuses in which an order still waits for its saga."""

CALLED_OFF = frozenset({OrderStatus.REJECTED, OrderStatus.CANCELLED, OrderStatus.FAILED})
"""Statuses in which an order needs neither stock nor money any more."""

STANDING = frozenset(OrderStatus) - UNDECIDED - CALLED_OFF
"""Statuses in which an order keeps its stock and its money, whoever may want to undo what was done for it."""


class Reason(StrEnum):
    """Why an order was rejected."""

    UNKNOWN_SKU = "unknown_sku"
    OUT_OF_STOCK = "out_of_stock"
    RISK = "risk"
    APPROVAL_DENIED = "approval_denied"
    APPROVAL_TIMED_OUT = "approval_timed_out"
    PAYMENT_DECLINED = "payment_declined"
    CURRENCY_MISMATCH = "currency_mismatch"


class LineStatus(StrEnum):
    """Where one line of an order stands."""

    PENDING = "pending"
    RESERVED = "reserved"
    CANCELLED = "cancelled"


class PaymentStatus(StrEnum):
    """Where an order's money stands."""

    NONE = "none"
    AUTHORISED = "authorised"
    DECLINED = "declined"
    VOIDED = "voided"


class Line(Model):
    """One line of an order. Its price comes from the catalogue, once the order has been priced."""

    sku: Identifier
    quantity: int
    unit_amount_minor: int | None = None
    status: LineStatus = LineStatus.PENDING


class PaymentSummary(Model):
    """What an order's customer has been charged so far."""

    status: PaymentStatus = PaymentStatus.NONE
    authorised_minor: int = 0
    captured_minor: int = 0
    refunded_minor: int = 0


class Authorisation(Model):
    """Money the provider holds for an order: `key` is the idempotency key under which it was asked for."""

    key: str
    provider_id: str
    amount_minor: int
    currency: str


class Order(Model):
    """One order, as it is stored."""

    tenant_id: Identifier
    order_id: Identifier
    customer_id: Identifier
    status: OrderStatus = OrderStatus.PENDING
    reason: Reason | None = None
    needs_attention: bool = False
    currency: str
    total_minor: int | None = None
    lines: tuple[Line, ...]
    payment: PaymentSummary = PaymentSummary()
    payment_method: str
    ship_to: Address
    email: str | None = None
    reference: str | None = None
    placed_at: Utc
    updated_at: Utc
    version: int = 1
    correlation_id: str


PLACED = "placed"
STATUS_CHANGED = "status_changed"


class Event(Model):
    """Something that happened to an order, and the status the order had afterwards."""

    order_id: Identifier
    at: Utc
    type: str
    status: OrderStatus
    actor: str
    detail: str | None = None
    correlation_id: str
    version: int = Field(description="version of the order that this event led to or happened under")

    @property
    def name(self) -> str:
        """What happened, in one word; it happens to an order once."""
        return self.status if self.type == STATUS_CHANGED else self.type


class Change(Model):
    """A step to another status: when, by whom, why, and what is known from then on."""

    to: OrderStatus
    at: Utc
    actor: str
    correlation_id: str
    reason: Reason | None = None
    detail: str | None = None
    needs_attention: bool = False
    prices: Mapping[str, int] = Field(default_factory=dict)
    authorisation: Authorisation | None = None


class IllegalTransition(Defect):
    """The table forbids this change; the order is as it was."""

    def __init__(self, order: Order, to: OrderStatus) -> None:
        super().__init__(f"order {order.tenant_id}/{order.order_id} is {order.status} and cannot become {to}")


def place(request: PlaceOrder, *, tenant_id: str, order_id: str, at: datetime, correlation_id: str) -> Order:
    """A new order in `pending`, exactly as it was asked for."""
    return Order(
        tenant_id=tenant_id,
        order_id=order_id,
        customer_id=request.customer_id,
        currency=request.currency,
        lines=tuple(Line(sku=line.sku, quantity=line.quantity) for line in request.lines),
        payment_method=request.payment_method,
        ship_to=request.ship_to,
        email=request.email,
        reference=request.reference,
        placed_at=at,
        updated_at=at,
        correlation_id=correlation_id,
    )


def placed(order: Order, actor: str) -> Event:
    """The first event of an order's timeline."""
    return Event(
        order_id=order.order_id,
        at=order.placed_at,
        type=PLACED,
        status=order.status,
        actor=actor,
        correlation_id=order.correlation_id,
        version=order.version,
    )


def transition(order: Order, change: Change) -> tuple[Order, Event]:
    """The order after the change, and the event to store with it. Raises IllegalTransition and changes nothing."""
    if change.to not in TRANSITIONS[order.status]:
        raise IllegalTransition(order, change.to)
    lines = tuple(_line_after(line, change) for line in order.lines)
    after = order.model_copy(
        update={
            "status": change.to,
            "reason": change.reason,
            "needs_attention": change.needs_attention,
            "lines": lines,
            "total_minor": _total_minor(lines),
            "payment": _payment_after(order.payment, change),
            "updated_at": change.at,
            "version": order.version + 1,
        }
    )
    event = Event(
        order_id=order.order_id,
        at=change.at,
        type=STATUS_CHANGED,
        status=change.to,
        actor=change.actor,
        detail=change.detail or change.reason,
        correlation_id=change.correlation_id,
        version=after.version,
    )
    return after, event


def _line_after(line: Line, change: Change) -> Line:
    status = line.status
    if change.to is OrderStatus.RESERVED:
        status = LineStatus.RESERVED
    elif change.to in CALLED_OFF:
        status = LineStatus.CANCELLED
    price = change.prices.get(line.sku, line.unit_amount_minor)
    return line.model_copy(update={"status": status, "unit_amount_minor": price})


def _total_minor(lines: tuple[Line, ...]) -> int | None:
    amounts = [line.unit_amount_minor * line.quantity for line in lines if line.unit_amount_minor is not None]
    return sum(amounts) if len(amounts) == len(lines) else None


def _payment_after(payment: PaymentSummary, change: Change) -> PaymentSummary:
    if change.authorisation:
        held = change.authorisation.amount_minor
        return payment.model_copy(update={"status": PaymentStatus.AUTHORISED, "authorised_minor": held})
    if change.reason is Reason.PAYMENT_DECLINED:
        return payment.model_copy(update={"status": PaymentStatus.DECLINED})
    if change.to in CALLED_OFF and payment.status is PaymentStatus.AUTHORISED:
        return payment.model_copy(update={"status": PaymentStatus.VOIDED, "authorised_minor": 0})
    return payment
