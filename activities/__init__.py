"""Activities: one side effect each, safe to run twice. This list registers them under their own names."""

from __future__ import annotations

import azure.durable_functions as df

from activities.authorise_payment import authorise_payment
from activities.find_payment import find_payment
from activities.park_dead_letter import park_dead_letter
from activities.price_order import price_order
from activities.publish_outcome import publish_outcome
from activities.record_transition import record_transition
from activities.release_stock import release_stock
from activities.reserve_stock import reserve_stock
from activities.send_confirmation import send_confirmation
from activities.void_payment import void_payment
from adapters.logs import Activity, logged

ACTIVITIES = (
    price_order,
    reserve_stock,
    release_stock,
    authorise_payment,
    find_payment,
    void_payment,
    record_transition,
    send_confirmation,
    publish_outcome,
    park_dead_letter,
)

QUEUES: dict[Activity, dict[str, str]] = {
    publish_outcome: {"arg_name": "outcome", "queue_name": "order-outcomes", "connection": "AzureWebJobsStorage"},
}

blueprint = df.Blueprint()

for activity in ACTIVITIES:
    function = logged(activity)
    if queue := QUEUES.get(activity):
        function = blueprint.queue_output(**queue)(function)
    blueprint.activity_trigger(input_name="payload")(function)
