"""`POST /v1/orders/{orderId}/returns`."""

from __future__ import annotations

from adapters import idempotency, orders
from domain.names import return_instance_id
from domain.returns import RequestReturn
from triggers.returning import Announcement, announce_once
from triggers.web.answers import Answer
from triggers.web.call import Call
from triggers.web.links import check_status

OPERATION = "request_return"


async def request_return(call: Call) -> Answer:
    """Announce that some pieces come back. A repeat under the same Idempotency-Key announces nothing new."""
    order_id = call.identifier("orderId")
    key = idempotency.digest(call.tenant_id, OPERATION, order_id, call.idempotency_key())
    wish = call.body(RequestReturn)
    call.caller.see((await orders.get(call.tenant_id, order_id)).value)
    told = Announcement(
        call.tenant_id, order_id, f"{order_id}-{key[:12]}", wish, call.caller.subject, call.correlation_id
    )
    returned = await announce_once(call.client, told)
    links = check_status(call.api_url, return_instance_id(call.tenant_id, order_id, returned.return_id))
    body = {"returnId": returned.return_id, "status": returned.status, "refundMinor": returned.refund_minor, **links}
    return Answer(202, body, {"Location": links["statusQueryGetUri"], "Retry-After": "1"})
