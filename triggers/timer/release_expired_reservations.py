"""Timer, every five minutes: no stock stays promised to an order that does not need it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import azure.functions as func

from adapters import orders, stock
from adapters.logs import log
from adapters.settings import settings
from domain.catalogue import Reservation
from domain.orders import CALLED_OFF


async def release_expired_reservations(timer: func.TimerRequest) -> None:  # noqa: ARG001  # the host passes it by name
    """Release expired reservations of orders that were called off or are gone; the others are held for longer."""
    now = datetime.now(UTC)
    async for reservation in stock.expired_reservations(now):
        outcome = await _settle(reservation, now)
        log("release_expired_reservations", tenant=reservation.tenant_id, order=reservation.order_id, outcome=outcome)


async def _settle(held: Reservation, now: datetime) -> str:
    order = await orders.find(held.tenant_id, held.order_id)
    if order is None or order.status in CALLED_OFF:
        await stock.release(held.tenant_id, held.sku, held.order_id)
        return "released"
    later = now + timedelta(minutes=settings().reservation_minutes)
    await stock.extend(held.tenant_id, held.sku, held.order_id, later)
    return "extended"
