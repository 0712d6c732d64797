"""`GET /v1/users/{userId}`."""

from __future__ import annotations

from adapters import users
from domain.users import UserAnswer
from triggers.web.answers import Answer, representation
from triggers.web.call import Call


async def get_user(call: Call) -> Answer:
    """Read one user: an operator any, everybody themselves."""
    user_id = call.identifier("userId")
    call.caller.see_user(user_id)
    user = await users.get(call.tenant_id, user_id)
    return representation(UserAnswer.of(user), user.etag, call.header("if-none-match"))
