"""`GET /v1/users`."""

from __future__ import annotations

from adapters import users
from domain.users import UserAnswer
from triggers.web.answers import Answer
from triggers.web.call import Call
from triggers.web.paging import Page


async def list_users(call: Call) -> Answer:
    """List the tenant's users by id; those who have been erased are not among them."""
    page = Page.asked_by(call)
    found = await users.page(call.tenant_id, page.after, page.limit + 1)
    shown = [UserAnswer.of(user) for user in found[: page.limit]]
    last_id = shown[-1].user_id if len(found) > page.limit else None
    return page.answer(call, "/v1/users", shown, last_id)
