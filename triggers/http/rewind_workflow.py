"""`POST /v1/workflows/{instanceId}/rewind`."""

from __future__ import annotations

from triggers import workflows
from triggers.web.answers import Answer
from triggers.web.call import Call


async def rewind_workflow(call: Call) -> Answer:
    """Let a failed workflow try again what failed."""
    instance_id = await workflows.instance_in(call, workflows.FAILED)
    await call.client.rewind(instance_id, workflows.reason(call))
    return Answer(202)
