"""Change feed `orders`: keeps the view from which orders are listed, and what is done through it complete."""

from __future__ import annotations

from functools import partial

import azure.functions as func

from adapters import views
from adapters.durable import DurableClient
from adapters.orders import ORDER_KIND
from domain.orders import Order
from domain.shapes import JsonObject
from triggers import user_orders
from triggers.change_feed.each_document import each_document


async def project_orders(documents: func.DocumentList, client: DurableClient) -> None:
    """Show every changed order in its customer's list; a repeat or an older version changes nothing."""
    await each_document("project_orders", (dict(document) for document in documents), partial(project, client))


async def project(client: DurableClient, document: JsonObject) -> None:
    """The same for one document of the container, whatever it is."""
    if document.get("kind") == ORDER_KIND:
        order = Order.model_validate(document)
        await views.put_order(order.tenant_id, order)
        await user_orders.catch_up(client, order)
