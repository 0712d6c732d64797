"""`DELETE /v1/users/{userId}`."""

from __future__ import annotations

from datetime import UTC, datetime

from adapters import users, views
from adapters.durable import start_erasure
from adapters.users import Stored
from domain.errors import Conflict, NotFound
from domain.orders import OrderStatus
from domain.users import User, UserStatus, erased, unknown
from triggers.web.answers import Answer
from triggers.web.call import Call
from triggers.web.links import check_status


async def delete_user(call: Call) -> Answer:
    """Forget a user: at once in their own record, then in every order, as soon as it has ended.

    Whoever has ordered without being registered is forgotten just so. Doing it again answers with the same workflow.
    """
    user_id = call.identifier("userId")
    call.caller.see_user(user_id)

    def forget(user: User) -> User:
        if user.status is UserStatus.ERASED:
            return user
        return erased(user, datetime.now(UTC), call.correlation_id)

    user = await users.change(call.tenant_id, user_id, forget) or await _customer(call, user_id)
    links = check_status(call.api_url, await start_erasure(call.client, user))
    return Answer(202, links, {"Location": links["statusQueryGetUri"], "Retry-After": "1"})


async def _customer(call: Call, user_id: str) -> User:
    """What is to stand for a customer who never registered. Raises NotFound when there are no orders of theirs."""
    if not await views.order_ids(call.tenant_id, user_id, frozenset(OrderStatus), None, 1):
        raise NotFound(f"there is no user {user_id}")
    forgotten = unknown(call.tenant_id, user_id, datetime.now(UTC), call.correlation_id)
    if await users.create(call.tenant_id, forgotten) is not Stored.STORED:
        raise Conflict(f"user {user_id} was registered at this moment")
    return forgotten
