"""Triggers: what makes the app do something. Here they are registered, each under the name of its function."""

from __future__ import annotations

import azure.durable_functions as df

from triggers.change_feed.project_orders import project_orders
from triggers.change_feed.start_unstarted_orders import start_unstarted_orders
from triggers.http import ROUTES
from triggers.queue.place_queued_order import place_queued_order
from triggers.timer.release_expired_reservations import release_expired_reservations
from triggers.web.endpoint import endpoint

STORAGE = "AzureWebJobsStorage"
FEED = {
    "arg_name": "documents",
    "connection": "COSMOS",
    "database_name": "%COSMOS_DATABASE%",
    "lease_container_name": "leases",
    "feed_poll_delay": 1000,
    "start_from_beginning": True,
}
FOR_EVER = {
    "strategy": "exponential_backoff",
    "max_retry_count": "-1",
    "minimum_interval": "00:00:01",
    "maximum_interval": "00:01:00",
}

blueprint = df.Blueprint()
durable_client = blueprint.durable_client_input(client_name="client")

for route in ROUTES:
    answer = durable_client(endpoint(route.handler, route.roles))
    blueprint.route(route=route.path, methods=[route.method], trigger_arg_name="req")(answer)

blueprint.queue_trigger(arg_name="message", queue_name="orders", connection=STORAGE)(durable_client(place_queued_order))

blueprint.timer_trigger(arg_name="timer", schedule="0 */5 * * * *")(release_expired_reservations)

blueprint.retry(**FOR_EVER)(
    blueprint.cosmos_db_trigger(container_name="orders", lease_container_prefix="start_unstarted_orders", **FEED)(
        durable_client(start_unstarted_orders)
    )
)
blueprint.retry(**FOR_EVER)(
    blueprint.cosmos_db_trigger(container_name="orders", lease_container_prefix="project_orders", **FEED)(
        project_orders
    )
)
