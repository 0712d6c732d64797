"""The part of `fulfil_order` that sends the parcels out, and the last moment at which an order can be cancelled."""

from __future__ import annotations

from typing import Any

from domain import names
from domain.orders import OrderStatus
from domain.shapes import JsonObject
from orchestrators.cancelling import Cancellation
from orchestrators.saga import Ending, Saga, Steps, settled


def ship(saga: Saga, cancellation: Cancellation, quote: JsonObject, confirmed: Ending) -> Steps[Ending]:
    """One `ship_parcel` for every warehouse, beside the confirmation mail; ends when every parcel has."""
    saga.stage("shipping")
    everything = saga.context.task_all([_parcel(saga, quote, parcel_id) for parcel_id in confirmed.shipment_ids])
    mail = saga.step(names.SEND_CONFIRMATION)
    waiting = [cancellation.task, mail, everything]
    while not everything.is_completed:
        winner = yield saga.context.task_any(waiting)
        waiting.remove(winner)
        if winner is cancellation.task and (yield from _cancel(saga, cancellation.ending, confirmed)):
            yield from settled(everything)
            yield from settled(mail)
            saga.stage("compensating")
            yield from saga.compensate()
            return cancellation.ending
    yield from saga.parked_if_failed(mail, names.SEND_CONFIRMATION)
    parcels = yield everything  # one that broke fails this instance too; rewinding it goes on with the parcel
    if any(parcel["order_status"] == OrderStatus.FAILED for parcel in parcels):
        return Ending(OrderStatus.FAILED, detail="every parcel was lost")
    return Ending(OrderStatus.DELIVERED)


def _parcel(saga: Saga, quote: JsonObject, shipment_id: str) -> Any:
    instance_id = names.ship_instance_id(saga.order["tenant_id"], saga.order["order_id"], shipment_id)
    told = {**saga.order, "shipment_id": shipment_id, "silent_days": quote["settings"]["parcel_silent_days"]}
    return saga.context.call_sub_orchestrator(names.SHIP_PARCEL, told, instance_id)


def _cancel(saga: Saga, ending: Ending, confirmed: Ending) -> Steps[bool]:
    """Whether the order could still be cancelled; its parcels are told."""
    decided = yield from saga.insist(names.CANCEL_SHIPMENTS, actor=ending.actor, detail=ending.detail)
    if decided["outcome"] != "cancelled":
        return False
    yield from saga.attempt(names.CALL_BACK_PARCELS, shipment_ids=list(confirmed.shipment_ids))
    return True
