"""`POST /v1/users`."""

from __future__ import annotations

from adapters import users
from domain.users import RegisterUser, UserAnswer
from triggers.user_registration import Registering, is_stored, register_once
from triggers.web.answers import Answer
from triggers.web.call import Call
from triggers.web.links import check_status, user_url


async def add_user(call: Call) -> Answer:
    """Register a user, who gets a code by mail. 201 with the user once stored; 202 if that takes more than 2 s."""
    key = call.idempotency_key()
    told = Registering(call.tenant_id, call.body(RegisterUser), key, call.correlation_id)
    user_id, instance_id = await register_once(call.client, told)
    url = user_url(call.api_url, user_id)
    if await is_stored(call.client, instance_id):
        user, etag = await users.get(call.tenant_id, user_id)
        return Answer(201, UserAnswer.of(user), {"Location": url, "ETag": etag})
    links = check_status(call.api_url, instance_id)
    headers = {"Location": links["statusQueryGetUri"], "Retry-After": "1"}
    return Answer(202, {"userId": user_id, "user": url, **links}, headers)
