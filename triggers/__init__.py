"""Triggers: what makes the app do something. Here they are registered, each under the name of its function."""

from __future__ import annotations

from typing import Any

import azure.durable_functions as df

from triggers.change_feed.follow_users import follow_users
from triggers.change_feed.project_orders import project_orders
from triggers.change_feed.start_unstarted_orders import start_unstarted_orders
from triggers.http import ROUTES, Route
from triggers.queue.place_queued_order import place_queued_order
from triggers.timer.release_expired_reservations import release_expired_reservations
from triggers.web.endpoint import endpoint

STORAGE = "AzureWebJobsStorage"
FOR_EVER = {
    "strategy": "exponential_backoff",
    "max_retry_count": "-1",
    "minimum_interval": "00:00:01",
    "maximum_interval": "00:01:00",
}

blueprint = df.Blueprint()
with_client = blueprint.durable_client_input(client_name="client")


def serve(route: Route) -> None:
    """Answer one route of the API."""
    function = with_client(endpoint(route.handler, route.roles))
    blueprint.route(route=route.path, methods=[route.method], trigger_arg_name="req")(function)


def follow(container: str, name: str, function: Any) -> None:
    """Follow a container's change feed from its beginning, at a pace of its own; repeat a batch until it succeeds."""
    feed = blueprint.cosmos_db_trigger(
        arg_name="documents",
        connection="COSMOS",
        database_name="%COSMOS_DATABASE%",
        container_name=container,
        lease_container_name="leases",
        lease_container_prefix=name,
        feed_poll_delay=1000,
        start_from_beginning=True,
    )
    blueprint.retry(**FOR_EVER)(feed(function))


for http_route in ROUTES:
    serve(http_route)

blueprint.queue_trigger(arg_name="message", queue_name="orders", connection=STORAGE)(with_client(place_queued_order))

blueprint.timer_trigger(arg_name="timer", schedule="0 */5 * * * *")(release_expired_reservations)

follow("orders", "start_unstarted_orders", with_client(start_unstarted_orders))
follow("orders", "project_orders", with_client(project_orders))
follow("users", "follow_users", with_client(follow_users))
