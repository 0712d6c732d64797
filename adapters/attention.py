"""Calling a person to an order, and closing dead letters: it needs attention as long as one of its letters is open."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from adapters import dead_letters, orders
from adapters.dead_letters import DeadLetter, Handling, LetterStatus
from adapters.orders import Changed
from domain.changes import Change, transition
from domain.errors import NotFound
from domain.orders import ATTENDED, NEEDS_ATTENTION, Order


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
    others = await dead_letters.find_all(tenant_id, 1, status=LetterStatus.OPEN, order_id=letter.order_id)
    if not others:
        with suppress(NotFound, ValueError):  # an order that is gone, or cannot be read, has no flag
            await _take_flag_off(tenant_id, letter.order_id, letter, correlation_id)
    return letter


async def _take_flag_off(tenant_id: str, order_id: str, letter: DeadLetter, correlation_id: str) -> None:
    last = letter.handled[-1]

    async def decide(order: Order) -> Changed | None:
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
        is_noted = not order.needs_attention or await orders.has_event(tenant_id, order_id, event.name)
        return None if is_noted else Changed(after, event)

    await orders.change(tenant_id, order_id, decide)
