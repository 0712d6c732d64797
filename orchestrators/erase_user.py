"""Orchestrator `erase_user`: a person is forgotten in all orders of theirs."""

from __future__ import annotations

import azure.durable_functions as df

from domain import names
from domain.orders import OrderStatus
from domain.shapes import JsonObject
from orchestrators.saga import Steps
from orchestrators.user_orders import each_order
from orchestrators.user_saga import UserSaga


def erase_user(context: df.DurableOrchestrationContext) -> Steps[JsonObject | None]:
    """Forget the person in their orders. The user's own document was erased before this began.

    Steps
    1  find_user_orders: a page of them
    2  erase_order for each, eight at once
    3  again for the next page; when all are through, once more after a minute
    4  every hour for the orders that are still under way, because those need their address, until none is

    Input   {"tenant_id", "user_id", "correlation_id", "progress"?: by an earlier run of this one, or
             the one order that is meant}
    Output  {"orders": int, those that were erased}
    """
    saga = UserSaga(context)
    saga.stage("erasing")
    return (yield from each_order(saga, names.ERASE_ORDER, frozenset(OrderStatus), done="erased", not_yet="under_way"))
