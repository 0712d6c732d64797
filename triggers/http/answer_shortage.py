"""`POST /v1/orders/{orderId}/shortage`."""

from __future__ import annotations

from adapters import orders
from domain.errors import Conflict
from domain.names import SHORTAGE_ANSWERED
from domain.orders import OrderStatus
from domain.shortages import AnswerShortage
from triggers.telling import tell_saga
from triggers.web.answers import Answer
from triggers.web.call import Call

NOT_ASKED = "it does not wait for its customer to say what is to become of it"


async def answer_shortage(call: Call) -> Answer:
    """Say what is to become of an order of which not everything is in stock."""
    answer = call.body(AnswerShortage)
    order = call.caller.see((await orders.get(call.tenant_id, call.identifier("orderId"))).value)
    if order.shortage is None:
        raise Conflict(f"order {order.order_id} is {order.status}: {NOT_ASKED}")
    data = {"decision": answer.decision, "kept": answer.kept(order.shortage), "note": answer.note}
    return await tell_saga(call, order, SHORTAGE_ANSWERED, data, when={OrderStatus.PENDING}, otherwise=NOT_ASKED)
