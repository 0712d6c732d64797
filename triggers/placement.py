"""Placing an order: the one use case behind `POST /v1/orders` and the queue `orders`.

Write first, start second. The claim on the idempotency key fixes the order's id before anything else is written, so
whoever repeats the request after a crash at any point finishes the same order. If nobody repeats it, the change feed
starts what was written and never started.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from ulid import ULID

from adapters import idempotency, orders
from adapters.durable import DurableClient, start_fulfilment
from adapters.idempotency import Claim
from domain.errors import Conflict
from domain.orders import OrderStatus, place, placed
from domain.placement import PlaceOrder

OPERATION = "place_order"


@dataclass(frozen=True, slots=True)
class Placing:
    """Who wants what order, and the key under which the same wish is known again."""

    tenant_id: str
    request: PlaceOrder
    key: str
    actor: str
    correlation_id: str


async def place_once(client: DurableClient, placing: Placing) -> Claim:
    """See to it that the order exists and its workflow runs; returns the claim with the first answer.

    Raises Conflict when the key was used for another order, Transient.
    """
    tenant_id = placing.tenant_id
    now = datetime.now(UTC)
    order_id = str(ULID.from_datetime(now))
    wish = Claim(
        tenant_id=tenant_id,
        key=idempotency.digest(tenant_id, OPERATION, placing.key),
        body_hash=idempotency.body_hash(placing.request.model_dump(mode="json", by_alias=True)),
        order_id=order_id,
        answer={"orderId": order_id, "status": OrderStatus.PENDING},
    )
    claim = await idempotency.claim(tenant_id, wish)
    if claim.body_hash != wish.body_hash:
        raise Conflict("this Idempotency-Key was used with another body")
    order = place(
        placing.request, tenant_id=tenant_id, order_id=claim.order_id, at=now, correlation_id=placing.correlation_id
    )
    await orders.create(tenant_id, order, placed(order, placing.actor))
    await start_fulfilment(client, tenant_id, claim.order_id, placing.correlation_id)
    return claim
