"""`POST /v1/users`."""

from __future__ import annotations

from domain.users import RegisterUser, UserAnswer
from triggers.user_registration import Registering, instance_id, register_once, registered_user
from triggers.web.answers import Answer
from triggers.web.call import Call
from triggers.web.links import check_status, user_url


async def add_user(call: Call) -> Answer:
    """Register a user, who gets a code by mail. 201 with the user once stored; 202 if that takes more than 2 s.

    The same request under the same key is given the first answer again, whatever has become of the user since.
    """
    key = call.idempotency_key()
    told = Registering(call.tenant_id, call.body(RegisterUser), key, call.correlation_id)
    claim = await register_once(call.client, told)
    url = user_url(call.api_url, claim.user_id)
    if user := await registered_user(call.client, claim, told):
        return Answer(201, UserAnswer.of(user), {"Location": url, "ETag": user.etag})
    links = check_status(call.api_url, instance_id(claim))
    headers = {"Location": links["statusQueryGetUri"], "Retry-After": "1"}
    return Answer(202, {"userId": claim.user_id, "user": url, **links}, headers)
