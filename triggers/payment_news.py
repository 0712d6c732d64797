"""Acting on what the payment provider says: the use case behind `POST /payments/webhook`.

Nothing here moves money or wakes a workflow. Where the provider and an order disagree, and no running workflow will
put that right, a person is called: first a dead letter, then the order's flag with an event on its timeline. Both are
stored once, whatever is repeated; only then does the provider hear that it need not tell us again.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

from adapters import dead_letters, orders, payment_events, payments
from adapters.dead_letters import DeadLetter
from adapters.durable import DurableClient, is_under_way
from adapters.orders import Changed
from domain.changes import Change, transition
from domain.errors import Transient
from domain.names import PAYMENT_PROVIDER, fulfil_instance_id, parse_instance_id
from domain.orders import CALLED_OFF, Order
from domain.payment_news import (
    PaymentNews,
    Trouble,
    fits,
    trouble_with_dispute,
    trouble_with_payment,
    trouble_with_refund,
)

SOURCE = "take_payment_event"


class Taken(StrEnum):
    """What became of an event."""

    IGNORED = "ignored"
    KNOWN = "known"
    FITS = "fits"
    FLAGGED = "flagged"


async def take(client: DurableClient, news: PaymentNews, correlation_id: str, *, again: bool = False) -> Taken:
    """Act on an event; afterwards all that it called for is stored. Raises Transient: it should be sent again.

    `again`: also on one that has been acted on before, as a person asks for it.
    """
    order = await _order_of(news)
    if order is None:
        return Taken.IGNORED
    if news.is_of_payment and fits(order, news):
        return Taken.FITS
    if not again and await payment_events.is_known(order.tenant_id, news):
        return Taken.KNOWN
    found = await _trouble(client, order, news)
    if found is None:
        return Taken.FITS
    await _call_a_person(order, news, found, correlation_id)
    await payment_events.remember(order.tenant_id, news, {"outcome": Taken.FLAGGED})
    return Taken.FLAGGED


async def _order_of(news: PaymentNews) -> Order | None:
    """The order that an event is of concern to. A dispute names its payment alone."""
    if not (news.is_of_payment or news.is_of_refund or news.is_of_dispute):
        return None
    ref = (news.tenant_id, news.order_id)
    if news.is_of_dispute and news.payment_id:
        ref = await payments.order_of(news.payment_id) or (None, None)
    tenant_id, order_id = ref
    return await orders.find(tenant_id, order_id) if tenant_id and order_id else None


async def _trouble(client: DurableClient, order: Order, news: PaymentNews) -> Trouble | None:
    if news.is_of_dispute:
        return trouble_with_dispute(news)
    if news.is_of_refund:
        return await _look_at_refund(client, order, news)
    return await _look_at_payment(client, order, news)


async def _look_at_payment(client: DurableClient, order: Order, news: PaymentNews) -> Trouble | None:
    """A saga that still undoes its steps sees to a payment itself."""
    instance_id = fulfil_instance_id(order.tenant_id, order.order_id)
    if order.status in CALLED_OFF and await is_under_way(client, instance_id):
        return None
    return trouble_with_payment(order, news, await payments.standing(news.provider_id))


async def _look_at_refund(client: DurableClient, order: Order, news: PaymentNews) -> Trouble | None:
    """A refund that was given and has failed since; the workflow that asked for it must have noted it first."""
    key = news.key or ""
    movement = await orders.movement(order.tenant_id, order.order_id, key)
    if movement and movement.provider_id == news.provider_id:
        return trouble_with_refund(movement, news)
    instance_id = key.rpartition(":")[0]
    if parse_instance_id(instance_id) and await is_under_way(client, instance_id):
        raise Transient(f"refund {news.provider_id} is not noted on its order yet", retry_after_s=5)
    return None  # its workflow was told at once that it failed


async def _call_a_person(order: Order, news: PaymentNews, found: Trouble, correlation_id: str) -> None:
    at = datetime.now(UTC)
    letter = DeadLetter(
        letter_id=f"{found.type}:{found.subject}",
        source=SOURCE,
        order_id=order.order_id,
        payload=news.to_json(),
        reason=found.detail,
        correlation_id=order.correlation_id,
        at=at,
    )
    await dead_letters.park(order.tenant_id, letter)

    async def flag(now: Order) -> Changed | None:
        change = Change(
            to=now.status,
            type=found.type,
            subject=found.subject,
            at=at,
            actor=PAYMENT_PROVIDER,
            correlation_id=correlation_id,
            detail=found.detail,
            needs_attention=True,
            movement=found.movement,
        )
        after, event = transition(now, change)
        noted = await (
            orders.movement(now.tenant_id, now.order_id, found.movement.key)
            if found.movement
            else orders.has_event(now.tenant_id, now.order_id, event.name)
        )
        return None if noted else Changed(after, event, movement=found.movement)

    await orders.change(order.tenant_id, order.order_id, flag)
