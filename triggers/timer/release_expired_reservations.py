"""Timer, every five minutes: no stock stays promised to an order that does not need it."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import azure.functions as func

from adapters import orders, stock
from adapters.logs import log
from adapters.settings import settings
from domain.catalogue import Reservation
from domain.orders import CALLED_OFF


async def release_expired_reservations(timer: func.TimerRequest) -> None:  # noqa: ARG001  # the host passes it by name
    """Release expired reservations of orders that were called off or are gone; the others are held for longer.

    What fails is logged and left to the next run.
    """
    now = datetime.now(UTC)
    async for reservation in stock.expired_reservations(now):
        level: int = logging.INFO
        fault: Exception | None = None
        try:
            outcome = await _settle(reservation, now)
        except Exception as error:  # noqa: BLE001  # one that cannot be settled must not keep the others from it
            outcome, level, fault = "failed", logging.ERROR, error
        log(
            "release_expired_reservations",
            level=level,
            error=fault,
            tenant=reservation.tenant_id,
            order=reservation.order_id,
            sku=reservation.sku,
            outcome=outcome,
        )


async def _settle(held: Reservation, now: datetime) -> str:
    order = await orders.find(held.tenant_id, held.order_id)
    if order is None or order.status in CALLED_OFF:
        await stock.release(held.tenant_id, held.sku, held.order_id)
        return "released"
    later = now + timedelta(minutes=settings().reservation_minutes)
    await stock.extend(held.tenant_id, held.sku, held.order_id, later)
    return "extended"
