"""Closing dead letters: an order needs a person's attention only as long as one of its letters is open."""

from __future__ import annotations

from contextlib import suppress

from adapters import dead_letters, orders
from adapters.dead_letters import DeadLetter, Handling, LetterStatus
from adapters.orders import Changed
from domain.changes import Change, transition
from domain.errors import NotFound
from domain.orders import ATTENDED, Order


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
