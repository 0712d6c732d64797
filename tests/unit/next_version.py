"""A second version of an orchestrator, as a change of its steps would bring it, and an app that has it: for tests."""

from __future__ import annotations

from typing import Any

import azure.durable_functions as df

from domain import names
from domain.shapes import JsonObject
from orchestrators import ENTITIES
from orchestrators.fulfil_order import fulfil_order
from orchestrators.saga import Saga, Steps
from triggers.change_feed.start_unstarted_orders import start_unstarted_orders
from triggers.http import ROUTES
from triggers.web.endpoint import endpoint


def fulfil_order_v2(context: df.DurableOrchestrationContext) -> Steps[JsonObject]:
    """The risk is weighed before anything else is done, and then once more: another order of yields."""
    yield Saga(context).try_once(names.ASSESS_RISK, total_minor=0)
    return (yield from fulfil_order(context))


def an_app(*orchestrators: Any) -> df.Blueprint:
    """These orchestrators, the repair by the change feed, and the routes about workflows."""
    app = df.Blueprint()
    for each in orchestrators:
        app.orchestration_trigger(context_name="context")(each)
    for entity in ENTITIES:
        app.entity_trigger(context_name="context")(entity)
    with_client = app.durable_client_input(client_name="client")
    app.cosmos_db_trigger(
        arg_name="documents", connection="COSMOS", database_name="waybill", container_name="orders",
        lease_container_name="leases",
    )(with_client(start_unstarted_orders))  # fmt: skip
    for route in [route for route in ROUTES if "{instanceId}" in route.path]:
        function = with_client(endpoint(route.handler, route.roles))
        app.route(route=route.path, methods=[route.method], trigger_arg_name="req")(function)
    return app
