"""Change feed `orders`: starts what was written and never started."""

from __future__ import annotations

import azure.functions as func

from adapters.orders import ORDER_KIND
from domain.orders import Order, OrderStatus
from domain.shapes import JsonObject
from triggers.change_feed.each_document import each_document
from triggers.durable import DurableClient, start_fulfilment


async def start_unstarted_orders(documents: func.DocumentList, client: DurableClient) -> None:
    """Start every pending order that has no instance: repairs a crash between writing an order and starting it."""

    async def start(document: JsonObject) -> None:
        if document.get("kind") != ORDER_KIND or document["status"] != OrderStatus.PENDING:
            return
        order = Order.model_validate(document)
        await start_fulfilment(client, order.tenant_id, order.order_id, order.correlation_id)

    await each_document("start_unstarted_orders", (dict(document) for document in documents), start)
