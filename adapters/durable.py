"""The durable client as triggers use it: the SDK has no types, so what we call is written down here."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol

from domain.errors import Conflict, Transient
from domain.names import (
    ERASE_USER,
    FULFIL_ORDER,
    PROPAGATE_ADDRESS,
    REGISTER_USER,
    REPLAY_STEP,
    RETURN_ORDER,
    address_instance_id,
    erase_instance_id,
    fulfil_instance_id,
    register_instance_id,
    replay_instance_id,
    return_instance_id,
    version_to_start,
)
from domain.shapes import JsonObject
from domain.users import User

UNDER_WAY = frozenset({"Pending", "Running", "ContinuedAsNew", "Suspended"})


class NotBegun(Transient):
    """There is no such instance (yet): whoever starts it may be about to."""


class Status(Protocol):
    """State of one instance; falsy when there is none."""

    name: str | None
    instance_id: str | None
    created_time: datetime | None
    last_updated_time: datetime | None
    input_: Any
    output: Any
    runtime_status: Any
    custom_status: Any
    history: list[Any] | None


class DurableClient(Protocol):
    """What triggers ask of the task hub."""

    async def start_new(self, name: str, instance_id: str, client_input: Any) -> str: ...

    async def get_status(
        self, instance_id: str, *, show_history: bool = ..., show_history_output: bool = ..., show_input: bool = ...
    ) -> Status: ...

    async def raise_event(self, instance_id: str, event_name: str, event_data: Any) -> None: ...

    async def terminate(self, instance_id: str, reason: str) -> None: ...

    async def suspend(self, instance_id: str, reason: str) -> None: ...

    async def resume(self, instance_id: str, reason: str) -> None: ...

    async def rewind(self, instance_id: str, reason: str) -> None: ...

    async def purge_instance_history(self, instance_id: str) -> Any: ...


async def start_fulfilment(client: DurableClient, tenant_id: str, order_id: str, correlation_id: str) -> str:
    """Make sure that the order's one instance exists; returns its id. Raises Transient.

    Two starters may race. The loser's start is refused while the instance runs; were it accepted because the instance
    has ended already, the saga would find the order decided and end at once.
    """
    instance_id = fulfil_instance_id(tenant_id, order_id)
    told = {"tenant_id": tenant_id, "order_id": order_id, "correlation_id": correlation_id}
    return await _start_once(client, FULFIL_ORDER, instance_id, told)


async def start_return(client: DurableClient, told: JsonObject) -> str:
    """Make sure that a return's one instance exists; returns its id. Raises Transient."""
    instance_id = return_instance_id(told["tenant_id"], told["order_id"], told["return_id"])
    return await _start_once(client, RETURN_ORDER, instance_id, told)


async def start_replay(client: DurableClient, told: JsonObject) -> str:
    """Make sure that the one instance exists that runs a parked step again; returns its id. Raises Transient."""
    instance_id = replay_instance_id(told["tenant_id"], told["order_id"], told["letter_id"], told["attempt"])
    return await _start_once(client, REPLAY_STEP, instance_id, told)


async def start_verification(
    client: DurableClient, tenant_id: str, user_id: str, verification_id: str, correlation_id: str, **told: str
) -> str:
    """Make sure that the one instance of this registration or verification exists; returns its id. Raises Transient."""
    instance_id = register_instance_id(tenant_id, user_id, verification_id)
    about = {"tenant_id": tenant_id, "user_id": user_id, "correlation_id": correlation_id}
    return await _start_once(client, REGISTER_USER, instance_id, {**about, "verification_id": verification_id, **told})


async def start_propagation(client: DurableClient, user: User, order_id: str | None = None) -> str:
    """Make sure that the user's address is carried to their orders, or to this one; returns the instance's id.

    Raises Transient.
    """
    instance_id = address_instance_id(user.tenant_id, user.user_id, user.address_version, order_id)
    return await _start_once(client, PROPAGATE_ADDRESS, instance_id, _about(user, order_id))


async def start_erasure(client: DurableClient, user: User, order_id: str | None = None) -> str:
    """Make sure that the user is forgotten in their orders, or in this one; returns the instance's id.

    Raises Transient.
    """
    instance_id = erase_instance_id(user.tenant_id, user.user_id, order_id)
    return await _start_once(client, ERASE_USER, instance_id, _about(user, order_id))


async def raise_event(client: DurableClient, instance_id: str, name: str, data: JsonObject) -> None:
    """Send an event to an instance that has not ended. Raises Conflict when it has, NotBegun, Transient."""
    status = await _status(client, instance_id)
    if not status:
        raise NotBegun(f"workflow {instance_id} has not begun")
    if status.runtime_status.value not in UNDER_WAY:
        raise Conflict(f"workflow {instance_id} has ended")
    try:
        await client.raise_event(instance_id, name, data)
    except Exception as error:  # the SDK raises plain Exception, or what its HTTP client raises
        raise Transient(f"the task hub does not take event {name} for {instance_id}") from error


async def is_under_way(client: DurableClient, instance_id: str) -> bool:
    """Whether there is such an instance and it has not ended. Raises Transient."""
    status = await _status(client, instance_id)
    return bool(status) and status.runtime_status.value in UNDER_WAY


async def was_cut_off(client: DurableClient, instance_id: str) -> bool:
    """Whether there is such an instance and it was terminated, or has failed. Raises Transient."""
    status = await _status(client, instance_id)
    return bool(status) and status.runtime_status.value in {"Terminated", "Canceled", "Failed"}


async def stage(client: DurableClient, instance_id: str) -> tuple[str | None, JsonObject]:
    """The stage that an instance has set in its custom status, and its output once it has one. Raises Transient."""
    status = await _status(client, instance_id)
    shown = status.custom_status if status else None
    output = status.output if status else None
    return (
        shown.get("stage") if isinstance(shown, dict) else None,
        output if isinstance(output, dict) else {},
    )


def _about(user: User, order_id: str | None) -> JsonObject:
    """What a workflow for all orders of a user is told; one for a single order begins where only that one is left."""
    told = {"tenant_id": user.tenant_id, "user_id": user.user_id, "correlation_id": user.correlation_id}
    return {**told, "progress": {"sweeps": 0, "left": [order_id]}} if order_id else told


async def _start_once(client: DurableClient, name: str, instance_id: str, told: JsonObject) -> str:
    if await _exists(client, instance_id):
        return instance_id
    try:
        await client.start_new(version_to_start(name), instance_id, told)
    except Exception as error:  # the SDK raises plain Exception for every refusal
        if not await _exists(client, instance_id):
            raise Transient(f"instance {instance_id} could not be started") from error
    return instance_id


async def _exists(client: DurableClient, instance_id: str) -> bool:
    return bool(await _status(client, instance_id))


async def _status(client: DurableClient, instance_id: str) -> Status:
    """Falsy when there is no such instance. Raises Transient."""
    try:
        return await client.get_status(instance_id)
    except Exception as error:  # the SDK raises plain Exception, or what its HTTP client raises
        raise Transient(f"the task hub does not tell how {instance_id} stands") from error
