"""`DELETE /v1/workflows/{instanceId}`."""

from __future__ import annotations

from triggers import workflows
from triggers.web.answers import Answer
from triggers.web.call import Call


async def purge_workflow(call: Call) -> Answer:
    """Delete the history of a workflow that has ended. The order and its timeline stay."""
    instance_id = await workflows.instance_in(call, workflows.ENDED)
    purged = await call.client.purge_instance_history(instance_id)
    return Answer(200, {"instancesDeleted": purged.instances_deleted})
