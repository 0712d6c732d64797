"""`GET /v1/workflows/{instanceId}`."""

from __future__ import annotations

from adapters.durable import UNDER_WAY
from domain.errors import Forbidden, NotFound
from triggers import workflows
from triggers.web.answers import Answer
from triggers.web.call import Call
from triggers.web.links import workflow_url


async def get_workflow(call: Call) -> Answer:
    """Read where a workflow stands, with the host's status codes: 202 while it is under way, 200 when it has ended."""
    instance_id = await workflows.instance_id(call)
    if _asked(call, "showHistory") and not call.caller.is_operator:
        raise Forbidden("the history of a workflow tells the merchant's limits: it is for operators")
    status = await call.client.get_status(
        instance_id,
        show_history=_asked(call, "showHistory"),
        show_history_output=_asked(call, "showHistoryOutput"),
        show_input=call.query("showInput") != "false",
    )
    if not status:
        raise NotFound(f"there is no workflow {instance_id}")
    body = workflows.told(status)
    if body["runtimeStatus"] in UNDER_WAY:
        return Answer(202, body, {"Location": workflow_url(call.api_url, instance_id), "Retry-After": "1"})
    return Answer(200, body)


def _asked(call: Call, name: str) -> bool:
    return (call.query(name) or "").lower() == "true"
