"""`PATCH /v1/users/{userId}`."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from pydantic import JsonValue, RootModel

from adapters import users
from domain.errors import ConditionFailed
from domain.users import User, UserAnswer, UserFields, changed, known, merged_fields
from triggers.web.answers import Answer
from triggers.web.call import JSON, MERGE_PATCH, Call, parsed
from triggers.web.conditions import if_match, required_if_match


async def change_user(call: Call) -> Answer:
    """Change name, address or e-mail address by a JSON merge patch, under the ETag that the caller has read.

    Another e-mail address is to be verified again; naming one that is not verified yet sends another code. A new
    address reaches the user's orders that have not shipped.
    """
    user_id = call.identifier("userId")
    call.caller.see_user(user_id)
    wanted = required_if_match(call)
    patch = call.body(RootModel[dict[str, JsonValue]], media_types=(MERGE_PATCH, JSON)).root
    asks_for_code = "email" in patch
    at = datetime.now(UTC)

    def decide(user: User) -> User:
        if not if_match(wanted, known(user, user_id).etag):
            raise ConditionFailed(f"user {user_id} is not in the version that the request wants to change")
        fields = parsed(UserFields, json.dumps(merged_fields(user, patch)))
        return changed(user, fields, asks_for_code=asks_for_code, at=at, correlation_id=call.correlation_id)

    user = known(await users.change(call.tenant_id, user_id, decide), user_id)
    return Answer(200, UserAnswer.of(user), {"ETag": user.etag})
