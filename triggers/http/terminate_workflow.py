"""`POST /v1/workflows/{instanceId}/terminate`."""

from __future__ import annotations

from adapters.durable import UNDER_WAY
from triggers import workflows
from triggers.web.answers import Answer
from triggers.web.call import Call


async def terminate_workflow(call: Call) -> Answer:
    """End a workflow at once; nothing is compensated."""
    instance_id = await workflows.instance_in(call, UNDER_WAY)
    await call.client.terminate(instance_id, workflows.reason(call))
    return Answer(202)
