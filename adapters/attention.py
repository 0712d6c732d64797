"""Calling a person to an order, and closing dead letters: it needs attention as long as one of its letters is open."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from adapters import dead_letters, orders
from adapters.dead_letters import DeadLetter, Handling, LetterStatus
from adapters.orders import Changed
from domain.changes import Change, transition
from domain.errors import NotFound
from domain.names import FULFIL_ORDER
from domain.orders import ATTENDED, NEEDS_ATTENTION, Order, OrderStatus


async def note(
    tenant_id: str,
    order_id: str,
    *,
    subject: str,
    detail: str,
    actor: str,
    at: datetime,
    correlation_id: str,
    needs_attention: bool = True,
) -> Order:
    """Call a person to an order, or note that one has come: once per `subject`. Raises NotFound, Transient."""

    async def decide(order: Order) -> Changed | None:
        change = Change(
            to=order.status,
            type=NEEDS_ATTENTION if needs_attention else ATTENDED,
            subject=subject,
            at=at,
            actor=actor,
            correlation_id=correlation_id,
            detail=detail,
            needs_attention=needs_attention,
        )
        after, event = transition(order, change)
        return None if await orders.has_event(tenant_id, order_id, event.name) else Changed(after, event)

    return await orders.change(tenant_id, order_id, decide)


async def settle(tenant_id: str, letter_id: str, handling: Handling, correlation_id: str) -> DeadLetter:
    """Note what somebody did about a letter; safe to repeat. Returns the letter. Raises NotFound, Transient."""
    letter = await dead_letters.change(tenant_id, letter_id, lambda now: now.after(handling))
    if letter.order_id is None or letter.is_open:
        return letter
    with suppress(NotFound, ValueError):  # an order that is gone, or cannot be read, has no flag
        await _take_flag_off(tenant_id, letter.order_id, letter, correlation_id)
    return letter


async def _take_flag_off(tenant_id: str, order_id: str, letter: DeadLetter, correlation_id: str) -> None:
    last = letter.handled[-1]

    async def decide(order: Order) -> Changed | None:
        if not order.needs_attention or await _is_called_for(tenant_id, order):
            return None
        change = Change(
            to=order.status,
            type=ATTENDED,
            subject=f"{letter.letter_id}:{letter.attempts}",
            at=last.at,
            actor=last.actor,
            correlation_id=correlation_id,
            detail=f"dead letter {letter.status}" + (f": {last.detail}" if last.detail else ""),
            needs_attention=False,
        )
        after, event = transition(order, change)
        return None if await orders.has_event(tenant_id, order_id, event.name) else Changed(after, event)

    await orders.change(tenant_id, order_id, decide)


async def _is_called_for(tenant_id: str, order: Order) -> bool:
    """Whether a letter of the order is open; one of an order that has failed may be still to come.

    Asked once the order has been read: a letter is parked before its order is flagged, so none is overlooked.
    """
    if await dead_letters.find_all(tenant_id, 1, status=LetterStatus.OPEN, order_id=order.order_id):
        return True
    told_why = {"source": FULFIL_ORDER, "order_id": order.order_id}
    return order.status is OrderStatus.FAILED and not await dead_letters.find_all(tenant_id, 1, **told_why)
