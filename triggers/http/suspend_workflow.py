"""`POST /v1/workflows/{instanceId}/suspend`."""

from __future__ import annotations

from adapters.durable import UNDER_WAY
from triggers import workflows
from triggers.web.answers import Answer
from triggers.web.call import Call


async def suspend_workflow(call: Call) -> Answer:
    """Hold a workflow: what arrives for it waits until it is resumed."""
    instance_id = await workflows.instance_in(call, UNDER_WAY)
    await call.client.suspend(instance_id, workflows.reason(call))
    return Answer(202)
