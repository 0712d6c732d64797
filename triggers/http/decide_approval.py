"""`POST /v1/orders/{orderId}/approval`."""

from __future__ import annotations

from adapters import orders
from domain.decisions import DecideApproval
from domain.names import APPROVAL
from domain.orders import OrderStatus
from triggers.telling import tell_saga
from triggers.web.answers import Answer
from triggers.web.call import Call


async def decide_approval(call: Call) -> Answer:
    """Approve or deny an order that waits for it."""
    request = call.body(DecideApproval)
    order = (await orders.get(call.tenant_id, call.identifier("orderId"))).value
    data = {"approved": request.approved, "note": request.note}
    waiting = {OrderStatus.AWAITING_APPROVAL}
    return await tell_saga(call, order, APPROVAL, data, when=waiting, otherwise="it awaits no approval")
