"""`POST /v1/orders`."""

from __future__ import annotations

from domain.names import fulfil_instance_id
from domain.placement import PlaceOrder
from triggers.placement import Placing, place_once
from triggers.web.answers import Answer
from triggers.web.call import Call
from triggers.web.links import check_status, order_url


async def place_order(call: Call) -> Answer:
    """Take an order and start its workflow. The answer tells where to follow both."""
    key = call.idempotency_key()
    request = call.body(PlaceOrder)
    call.caller.act_for(request.customer_id)
    placing = Placing(call.tenant_id, request, key, call.caller.subject, call.correlation_id)
    claim = await place_once(call.client, placing)
    links = check_status(call.api_url, fulfil_instance_id(call.tenant_id, claim.order_id))
    body = {**claim.answer, "order": order_url(call.api_url, claim.order_id), **links}
    return Answer(202, body, {"Location": links["statusQueryGetUri"], "Retry-After": "1"})
