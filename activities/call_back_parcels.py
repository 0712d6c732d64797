"""Activity `call_back_parcels`."""

from __future__ import annotations

from adapters.durable import UNDER_WAY, DurableClient
from domain.names import ship_instance_id
from domain.shapes import JsonObject, StepPayload
from domain.shipments import ShipmentStatus


class CallBackParcels(StepPayload):
    """The parcels of an order that has been cancelled."""

    shipment_ids: list[str]


async def call_back_parcels(payload: JsonObject, client: DurableClient) -> JsonObject:
    """Wake the workflows of cancelled parcels, which wait for a carrier in vain.

    In      {"tenant_id", "order_id", "correlation_id": str, "at": ISO 8601, "shipment_ids": [str]}
    Out     {"outcome": "called_back"}
    Raises  whatever the task hub's client raises: 5 attempts, 2 s apart
    Twice   a second event finds nobody waiting
    """
    step = CallBackParcels.model_validate(payload)
    for shipment_id in step.shipment_ids:
        instance_id = ship_instance_id(step.tenant_id, step.order_id, shipment_id)
        status = await client.get_status(instance_id)
        if status and status.runtime_status.value in UNDER_WAY:
            await client.raise_event(instance_id, ShipmentStatus.CANCELLED, {})
    return {"outcome": "called_back"}
