"""`POST /v1/workflows/{instanceId}/raiseEvent/{eventName}`."""

from __future__ import annotations

from pydantic import JsonValue, RootModel

from adapters.durable import UNDER_WAY
from domain.callers import Caller, Role
from domain.errors import Forbidden
from domain.names import APPROVAL, REPLAY
from domain.shipments import ShipmentStatus
from triggers import workflows
from triggers.web.answers import Answer
from triggers.web.call import Call

SAID_BY = {APPROVAL: frozenset({Role.APPROVER}), REPLAY: frozenset({Role.ADMIN}), ShipmentStatus.CANCELLED: frozenset()}
"""Events that take another role than this route's: the one that the event's own route asks for, or nobody's."""


async def raise_workflow_event(call: Call) -> Answer:
    """Send an event, with any JSON as its data, to a workflow that waits for it or will; in the caller's own name."""
    event, data = call.identifier("eventName"), call.body(RootModel[JsonValue]).root
    instance_id = await workflows.instance_in(call, UNDER_WAY)
    _check_may_say(call.caller, event)
    told = {**data, "actor": call.caller.subject} if isinstance(data, dict) else data
    await call.client.raise_event(instance_id, event, told)
    return Answer(202)


def _check_may_say(caller: Caller, event: str) -> None:
    roles: frozenset[Role] | None = SAID_BY.get(event)
    if roles is None or caller.is_one_of(roles):
        return
    raise Forbidden(f"{event} is said by {' or '.join(sorted(roles)) or 'workflows'} alone")
