"""`DELETE /v1/users/{userId}`."""

from __future__ import annotations

from datetime import UTC, datetime

from adapters import users
from adapters.durable import start_erasure
from domain.errors import NotFound
from domain.users import User, UserStatus, erased
from triggers.web.answers import Answer
from triggers.web.call import Call
from triggers.web.links import check_status


async def delete_user(call: Call) -> Answer:
    """Forget a user: at once in their own record, then in every order, as soon as it has ended.

    Doing it again answers with the same workflow.
    """
    user_id = call.identifier("userId")
    call.caller.see_user(user_id)

    def forget(user: User) -> User:
        if user.status is UserStatus.ERASED:
            return user
        return erased(user, datetime.now(UTC), call.correlation_id)

    user = await users.change(call.tenant_id, user_id, forget)
    if user is None:
        raise NotFound(f"there is no user {user_id}")
    links = check_status(call.api_url, await start_erasure(call.client, user))
    return Answer(202, links, {"Location": links["statusQueryGetUri"], "Retry-After": "1"})
