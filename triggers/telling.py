"""Telling a running workflow something, for a caller who is answered where to follow it."""

from __future__ import annotations

from collections.abc import Collection

from adapters.durable import raise_event
from domain.errors import Conflict
from domain.names import fulfil_instance_id, parse_instance_id
from domain.orders import Order, OrderStatus
from domain.shapes import JsonObject
from triggers.web.answers import Answer
from triggers.web.call import Call
from triggers.web.links import check_status, order_url


async def tell(call: Call, instance_id: str, event: str, data: JsonObject) -> Answer:
    """Raise an event, with the caller as its actor. Raises Conflict when the workflow has ended, Transient."""
    await raise_event(call.client, instance_id, event, {**data, "actor": call.caller.subject})
    return accepted(call, instance_id)


def accepted(call: Call, instance_id: str) -> Answer:
    """What was said is known: where to follow the order and the workflow that it is about."""
    links: JsonObject = dict(check_status(call.api_url, instance_id))
    if ref := parse_instance_id(instance_id):
        links = {"order": order_url(call.api_url, ref.order_id), **links}
    return Answer(202, links, {"Location": links["statusQueryGetUri"], "Retry-After": "1"})


async def tell_saga(
    call: Call, order: Order, event: str, data: JsonObject, *, when: Collection[OrderStatus], otherwise: str
) -> Answer:
    """The same for an order's saga, when the order is in one of these statuses. Raises Conflict, which says why not."""
    if order.status not in when:
        raise Conflict(f"order {order.order_id} is {order.status}: {otherwise}")
    return await tell(call, fulfil_instance_id(order.tenant_id, order.order_id), event, data)
