"""Orchestrator `propagate_address`: a user's new address reaches every order of theirs that has not shipped."""

from __future__ import annotations

import azure.durable_functions as df

from domain import names
from domain.addresses import UNSHIPPED
from domain.shapes import JsonObject
from orchestrators.saga import Steps
from orchestrators.user_orders import each_order
from orchestrators.user_saga import UserSaga


def propagate_address(context: df.DurableOrchestrationContext) -> Steps[JsonObject | None]:
    """Give the user's orders the address as it is now.

    Steps
    1  find_user_orders: a page of those that have not shipped
    2  change_address for each, eight at once
    3  again for the next page; when all are through, once more after a minute

    An address that is older than the order's changes nothing, so runs for two versions may overtake each other.

    Input   {"tenant_id", "user_id", "correlation_id", "progress"?: by an earlier run of this one, or
             the one order that is meant}
    Output  {"orders": int, those that were changed}
    """
    saga = UserSaga(context)
    saga.stage("propagating")
    return (yield from each_order(saga, names.CHANGE_ADDRESS, UNSHIPPED, done="changed"))
