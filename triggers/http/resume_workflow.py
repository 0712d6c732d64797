"""`POST /v1/workflows/{instanceId}/resume`."""

from __future__ import annotations

from adapters.durable import UNDER_WAY
from triggers import workflows
from triggers.web.answers import Answer
from triggers.web.call import Call


async def resume_workflow(call: Call) -> Answer:
    """Let a suspended workflow go on."""
    instance_id = await workflows.instance_in(call, UNDER_WAY)
    await call.client.resume(instance_id, workflows.reason(call))
    return Answer(202)
