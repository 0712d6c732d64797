"""Changing an order: the one function through which everything that happens to an order goes.

`transition` gives back the changed order together with the timeline event that must be stored in the same transaction;
an order and its history therefore cannot tell different stories.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from domain.errors import Defect
from domain.orders import (
    CALLED_OFF,
    STATUS_CHANGED,
    TRANSITIONS,
    Event,
    Line,
    LineStatus,
    Offer,
    Order,
    OrderStatus,
    Reason,
)
from domain.payments import Movement, PaymentSummary
from domain.shapes import Model, Utc


class Change(Model):
    """Something that is to happen to an order: when, by whom, why, and what is known from then on.

    A change of another `type` than STATUS_CHANGED may leave the status as it is. `quantities` are the pieces of each
    line from now on, none of a line that falls away; `needs_attention` None leaves the flag as it is.
    """

    to: OrderStatus
    at: Utc
    actor: str
    correlation_id: str
    type: str = STATUS_CHANGED
    subject: str | None = None
    reason: Reason | None = None
    detail: str | None = None
    needs_attention: bool | None = None
    offers: Mapping[str, Offer] = Field(default_factory=dict)
    quantities: tuple[int, ...] | None = None
    lines: tuple[Line, ...] | None = None
    shortage: Mapping[str, int] | None = None
    movement: Movement | None = None


class IllegalTransition(Defect):
    """The table forbids this change; the order is as it was."""

    def __init__(self, order: Order, to: OrderStatus) -> None:
        super().__init__(f"order {order.tenant_id}/{order.order_id} is {order.status} and cannot become {to}")


def transition(order: Order, change: Change) -> tuple[Order, Event]:
    """The order after the change, and the event to store with it. Raises IllegalTransition and changes nothing."""
    if change.to not in TRANSITIONS[order.status] and not (change.to is order.status and change.type != STATUS_CHANGED):
        raise IllegalTransition(order, change.to)
    lines = _lines_after(order, change)
    at = max(change.at, order.updated_at)  # of two that happen at once the later one tells no earlier time
    after = order.model_copy(
        update={
            "status": change.to,
            "reason": change.reason or order.reason,
            "needs_attention": order.needs_attention if change.needs_attention is None else change.needs_attention,
            "lines": lines,
            "shortage": change.shortage,
            "total_minor": _total_minor(order, lines),
            "payment": _payment_after(order.payment, change),
            "updated_at": at,
            "version": order.version + 1,
        }
    )
    event = Event(
        order_id=order.order_id,
        at=at,
        type=change.type,
        subject=change.subject,
        status=change.to,
        actor=change.actor,
        detail=_detail(change),
        correlation_id=change.correlation_id,
        version=after.version,
    )
    return after, event


def _lines_after(order: Order, change: Change) -> tuple[Line, ...]:
    lines = order.lines if change.lines is None else change.lines
    quantities = change.quantities or [line.quantity for line in lines]
    return tuple(_line_after(line, pieces, change) for line, pieces in zip(lines, quantities, strict=True))


def _line_after(line: Line, quantity: int, change: Change) -> Line:
    if line.status is LineStatus.CANCELLED:
        return line
    known = change.offers[line.sku].model_dump() if line.sku in change.offers else {}
    status = _line_status_after(line, quantity, change.to)
    return line.model_copy(update={"status": status, "quantity": quantity or line.quantity, **known})


def _line_status_after(line: Line, quantity: int, to: OrderStatus) -> LineStatus:
    if quantity == 0 or (to in CALLED_OFF and line.status is not LineStatus.LOST):
        return LineStatus.CANCELLED
    return LineStatus.RESERVED if to is OrderStatus.RESERVED else line.status


def _detail(change: Change) -> str | None:
    """Why it happened, and the money that moved with it."""
    told = (change.detail or change.reason, change.movement.text if change.movement else None)
    return "; ".join(filter(None, told)) or None


def _total_minor(order: Order, lines: tuple[Line, ...]) -> int | None:
    """What the lines that stand cost, None until each has its price; an order called off keeps its last total."""
    standing = [line for line in lines if line.status is not LineStatus.CANCELLED]
    if not standing:
        return order.total_minor
    if any(line.unit_amount_minor is None for line in standing):
        return None
    return sum(line.amount_minor for line in standing)


def _payment_after(payment: PaymentSummary, change: Change) -> PaymentSummary:
    if change.movement:
        return payment.after(change.movement)
    if change.reason is Reason.PAYMENT_DECLINED:
        return payment.declined()
    return payment.voided() if change.to in CALLED_OFF else payment
