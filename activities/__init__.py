"""Activities: one side effect each, safe to run twice. This list registers them under their own names."""

from __future__ import annotations

import azure.durable_functions as df

from activities.assess_risk import assess_risk
from activities.authorise_payment import authorise_payment
from activities.book_shipment import book_shipment
from activities.call_back_parcels import call_back_parcels
from activities.cancel_shipments import cancel_shipments
from activities.capture_payment import capture_payment
from activities.change_address import change_address
from activities.commit_stock import commit_stock
from activities.erase_order import erase_order
from activities.escalate_parcel import escalate_parcel
from activities.find_payment import find_payment
from activities.find_user_orders import find_user_orders
from activities.flag_order import flag_order
from activities.park_dead_letter import park_dead_letter
from activities.price_order import price_order
from activities.publish_outcome import publish_outcome
from activities.record_movement import record_movement
from activities.record_return import record_return
from activities.record_shipment import record_shipment
from activities.record_shortage import record_shortage
from activities.record_transition import record_transition
from activities.record_verification import record_verification
from activities.refund_payment import refund_payment
from activities.release_stock import release_stock
from activities.reserve_stock import reserve_stock
from activities.restock import restock
from activities.send_confirmation import send_confirmation
from activities.send_mail import send_mail
from activities.settle_dead_letter import settle_dead_letter
from activities.store_user import store_user
from activities.tell_approvers import tell_approvers
from activities.trim_reservation import trim_reservation
from activities.void_payment import void_payment
from adapters.logs import Activity, logged

ACTIVITIES = (
    price_order,
    assess_risk,
    reserve_stock,
    trim_reservation,
    release_stock,
    commit_stock,
    restock,
    record_shortage,
    tell_approvers,
    authorise_payment,
    find_payment,
    void_payment,
    capture_payment,
    refund_payment,
    record_transition,
    record_movement,
    flag_order,
    book_shipment,
    record_shipment,
    escalate_parcel,
    cancel_shipments,
    call_back_parcels,
    record_return,
    send_confirmation,
    publish_outcome,
    park_dead_letter,
    store_user,
    send_mail,
    record_verification,
    find_user_orders,
    change_address,
    erase_order,
    settle_dead_letter,
)

QUEUES: dict[Activity, dict[str, str]] = {
    publish_outcome: {"arg_name": "outcome", "queue_name": "order-outcomes", "connection": "AzureWebJobsStorage"},
}

WITH_CLIENT = frozenset({call_back_parcels})

blueprint = df.Blueprint()

for activity in ACTIVITIES:
    function = logged(activity)
    if queue := QUEUES.get(activity):
        function = blueprint.queue_output(**queue)(function)
    if activity in WITH_CLIENT:
        function = blueprint.durable_client_input(client_name="client")(function)
    blueprint.activity_trigger(input_name="payload")(function)
