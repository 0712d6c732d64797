"""Activity `erase_order`."""

from __future__ import annotations

from adapters import orders, user_erasure
from adapters.orders import Changed
from domain.changes import Change
from domain.erasure import UNDER_WAY, erased_order, is_erased
from domain.names import ERASE_USER
from domain.orders import Order
from domain.shapes import JsonObject
from domain.users import UserOrderStep


async def erase_order(payload: JsonObject) -> JsonObject:
    """Forget the person in one order that has ended: name, address, e-mail, their own words. Amounts and lines stay.

    In      {"tenant_id", "user_id", "order_id", "correlation_id", "instance_id": str, "at": ISO 8601}
    Out     {"outcome": "erased" | "already_erased" | "under_way"}; under_way: the order still needs its address
    Raises  Transient: 5 attempts, 2 s apart, then again with every sweep
    Twice   what is erased is left alone; the order itself comes last, so a run that broke off is done again
    """
    step = UserOrderStep.model_validate(payload)
    order = (await orders.get(step.tenant_id, step.order_id)).value
    if order.status in UNDER_WAY:
        return {"outcome": "under_way"}
    await user_erasure.erase_beside(step.tenant_id, order)
    outcome = "erased"

    async def decide(ended: Order) -> Changed | None:
        nonlocal outcome
        if is_erased(ended):
            outcome = "already_erased"
            return None
        change = Change(
            to=ended.status,
            at=max(step.at, ended.updated_at),
            actor=ERASE_USER,
            correlation_id=step.correlation_id,
        )
        return Changed(*erased_order(ended, change))

    await orders.change(step.tenant_id, step.order_id, decide)
    return {"outcome": outcome}
