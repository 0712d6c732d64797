"""`POST /v1/workflows/{instanceId}/raiseEvent/{eventName}`."""

from __future__ import annotations

from pydantic import JsonValue, RootModel

from adapters.durable import UNDER_WAY
from triggers import workflows
from triggers.web.answers import Answer
from triggers.web.call import Call


async def raise_workflow_event(call: Call) -> Answer:
    """Send an event, with any JSON as its data, to a workflow that waits for it or will."""
    data = call.body(RootModel[JsonValue]).root
    instance_id = await workflows.instance_in(call, UNDER_WAY)
    await call.client.raise_event(instance_id, call.identifier("eventName"), data)
    return Answer(202)
