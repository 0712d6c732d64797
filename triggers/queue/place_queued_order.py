"""Queue `orders`: places an order just as `POST /v1/orders` does."""

from __future__ import annotations

import azure.functions as func

from adapters.durable import DurableClient
from adapters.logs import log
from domain.placement import QueuedOrder
from triggers.placement import Placing, place_once
from triggers.web.call import parsed

ACTOR = "queue:orders"


async def place_queued_order(message: func.QueueMessage, client: DurableClient) -> None:
    """Place the order in the message, whose id is the idempotency key.

    A message that cannot be an order raises Invalid; after its attempts the host moves it to `orders-poison`.
    """
    queued = parsed(QueuedOrder, message.get_body())
    correlation_id = queued.correlation_id or queued.id
    claim = await place_once(client, Placing(queued.tenant_id, queued.order, queued.id, ACTOR, correlation_id))
    log("place_queued_order", tenant=queued.tenant_id, order=claim.order_id, correlation=correlation_id)
