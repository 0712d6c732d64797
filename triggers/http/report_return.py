"""`POST /v1/returns/{returnId}/events`."""

from __future__ import annotations

from adapters import returns
from domain.decisions import ReportReturn
from domain.errors import Conflict
from domain.names import return_instance_id
from domain.returns import ReturnStatus
from triggers.telling import accepted, tell
from triggers.web.answers import Answer
from triggers.web.call import Call


async def report_return(call: Call) -> Answer:
    """Take the warehouse's word on pieces that were announced. The same word again changes nothing."""
    report = call.body(ReportReturn)
    return_id = call.identifier("returnId")
    order_id = return_id.rpartition("-")[0]
    returned = (await returns.get(call.tenant_id, order_id, return_id)).value
    instance_id = return_instance_id(call.tenant_id, order_id, return_id)
    if returned.status == report.status:
        return accepted(call, instance_id)
    if returned.status is not ReturnStatus.REQUESTED:
        raise Conflict(f"return {return_id} is {returned.status}, which {report.status} contradicts")
    return await tell(call, instance_id, report.status, {"note": report.note})
