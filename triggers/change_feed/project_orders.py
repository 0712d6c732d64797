"""Change feed `orders`: keeps the view from which orders are listed."""

from __future__ import annotations

import azure.functions as func

from adapters import views
from adapters.orders import ORDER_KIND
from domain.orders import Order
from domain.shapes import JsonObject
from triggers.change_feed.each_document import each_document


async def project_orders(documents: func.DocumentList) -> None:
    """Show every changed order in its customer's list; a repeat or an older version changes nothing."""
    await each_document("project_orders", (dict(document) for document in documents), _project)


async def _project(document: JsonObject) -> None:
    if document.get("kind") == ORDER_KIND:
        order = Order.model_validate(document)
        await views.put_order(order.tenant_id, order)
