"""`GET /v1/dead-letters`."""

from __future__ import annotations

from adapters import dead_letters
from adapters.dead_letters import LetterStatus
from domain.errors import FieldError, Invalid
from triggers.web.answers import Answer
from triggers.web.call import Call
from triggers.web.paging import Page

_PLACE = "[ -~]{1,400}"


async def list_dead_letters(call: Call) -> Answer:
    """List what could not be processed, newest first; of one `status`, `source` or `orderId` if that is asked for."""
    page = Page.asked_by(call, _PLACE)
    found = await dead_letters.find_all(
        call.tenant_id,
        page.limit + 1,
        after=page.after,
        status=_status(call),
        source=call.query("source"),
        order_id=call.query("orderId"),
    )
    shown = found[: page.limit]
    return page.answer(call, "/v1/dead-letters", shown, shown[-1].place if len(found) > page.limit else None)


def _status(call: Call) -> str | None:
    asked = call.query("status")
    if asked is not None and asked not in set(LetterStatus):
        raise Invalid(f"status must be one of {', '.join(LetterStatus)}", (FieldError("status", "is not a status"),))
    return asked
