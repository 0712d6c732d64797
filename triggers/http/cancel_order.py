"""`POST /v1/orders/{orderId}/cancel`."""

from __future__ import annotations

from adapters import orders
from domain.decisions import CancelOrder
from domain.names import CANCEL
from domain.orders import CANCELLABLE
from triggers.telling import tell_saga
from triggers.web.answers import Answer
from triggers.web.call import Call


async def cancel_order(call: Call) -> Answer:
    """Ask for an order to be cancelled; its workflow decides whether it still can be."""
    request = call.body(CancelOrder, empty=CancelOrder())
    order = call.caller.see((await orders.get(call.tenant_id, call.identifier("orderId"))).value)
    too_late = "it can be cancelled until its first parcel has left, and once"
    return await tell_saga(call, order, CANCEL, {"note": request.note}, when=CANCELLABLE, otherwise=too_late)
