"""`GET /v1/orders`."""

from __future__ import annotations

import re

from adapters import views
from domain.errors import FieldError, Forbidden, Invalid
from domain.names import IDENTIFIER
from domain.orders import OrderStatus
from triggers.web.answers import Answer
from triggers.web.call import Call
from triggers.web.paging import Page


async def list_orders(call: Call) -> Answer:
    """List orders from the materialised view, newest first: a customer's own, or for an operator all of the tenant."""
    page = Page.asked_by(call)
    rows = await views.orders(call.tenant_id, _customer(call), _status(call), page.after, page.limit + 1)
    shown = rows[: page.limit]
    last_id = shown[-1].order_id if len(rows) > page.limit else None
    return page.answer(call, "/v1/orders", shown, last_id)


def _customer(call: Call) -> str | None:
    asked = call.query("customerId")
    if asked is not None and not re.fullmatch(IDENTIFIER, asked):
        raise Invalid("customerId is not an id", (FieldError("customerId", "is not an id"),))
    if call.caller.is_operator:
        return asked
    if asked not in (None, call.caller.subject):
        raise Forbidden("a customer lists their own orders")
    return call.caller.subject


def _status(call: Call) -> OrderStatus | None:
    asked = call.query("status")
    if asked is None:
        return None
    if asked not in set(OrderStatus):
        raise Invalid("status is none that an order can have", (FieldError("status", "is not a status"),))
    return OrderStatus(asked)
