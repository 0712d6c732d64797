"""A caller's own workflows: which instance a call is about, and what may be told of it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime

from adapters import orders
from adapters.durable import UNDER_WAY, Status
from domain.errors import ConditionFailed, Gone, NotFound
from domain.names import UserRef, parse_instance_id, parse_user_instance_id
from domain.shapes import JsonObject
from triggers.web.call import Call

ENDED = frozenset({"Completed", "Failed", "Terminated", "Canceled"})
FAILED = frozenset({"Failed"})


async def instance_id(call: Call) -> str:
    """The instance that the path names. Raises NotFound unless its order or user is one that the caller may see."""
    named = call.part("instanceId")
    ref = parse_instance_id(named) or parse_user_instance_id(named)
    if ref is None or ref.tenant_id != call.tenant_id:
        raise NotFound(f"there is no workflow {named}")
    if isinstance(ref, UserRef):
        call.caller.see_user(ref.user_id)
    elif not call.caller.is_operator:
        call.caller.see((await orders.get(ref.tenant_id, ref.order_id)).value)
    return named


async def instance_in(call: Call, allowed: Collection[str]) -> str:
    """The same, in one of these runtime statuses.

    Raises NotFound; Gone when it should be under way and has ended; ConditionFailed when it should have ended.
    """
    named = await instance_id(call)
    status = await call.client.get_status(named)
    if not status:
        raise NotFound(f"there is no workflow {named}")
    found = status.runtime_status.value
    if found not in allowed:
        raise (Gone if allowed is UNDER_WAY else ConditionFailed)(f"workflow {named} is {found}")
    return named


def reason(call: Call) -> str:
    """The caller's reason, or who they are."""
    return call.query("reason") or f"asked for by {call.caller.subject}"


def told(status: Status) -> JsonObject:
    """An instance's state in the words of the host's own status endpoint."""
    told: JsonObject = {
        "name": status.name,
        "instanceId": status.instance_id,
        "runtimeStatus": status.runtime_status.value,
        "input": status.input_,
        "customStatus": status.custom_status,
        "output": status.output,
        "createdTime": _time(status.created_time),
        "lastUpdatedTime": _time(status.last_updated_time),
    }
    history = getattr(status, "historyEvents", None) or status.history
    return told if history is None else {**told, "historyEvents": history}


def _time(at: datetime | None) -> str | None:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else None
