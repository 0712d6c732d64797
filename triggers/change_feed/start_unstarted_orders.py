"""Change feed `orders`: starts what was written and never started."""

from __future__ import annotations

from functools import partial

import azure.functions as func

from adapters.durable import DurableClient, start_fulfilment
from adapters.orders import ORDER_KIND
from adapters.returns import RETURN_KIND
from domain.orders import Order, OrderStatus
from domain.returns import Return, ReturnStatus
from domain.shapes import JsonObject
from triggers import returning
from triggers.change_feed.each_document import each_document


async def start_unstarted_orders(documents: func.DocumentList, client: DurableClient) -> None:
    """Start every pending order and return that has no instance: repairs a crash between writing and starting it."""
    await each_document("start_unstarted_orders", (dict(document) for document in documents), partial(start, client))


async def start(client: DurableClient, document: JsonObject) -> None:
    """The same for one document of the container, whatever it is."""
    match document.get("kind"), document.get("status"):
        case (kind, OrderStatus.PENDING) if kind == ORDER_KIND:
            order = Order.model_validate(document)
            await start_fulfilment(client, order.tenant_id, order.order_id, order.correlation_id)
        case (kind, ReturnStatus.REQUESTED) if kind == RETURN_KIND:
            await returning.start(client, Return.model_validate(document))
