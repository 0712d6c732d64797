"""`POST /v1/users/{userId}/verification`."""

from __future__ import annotations

from domain.users import VerifyUser
from triggers import user_verification
from triggers.web.answers import Answer
from triggers.web.call import Call


async def verify_user(call: Call) -> Answer:
    """Confirm an e-mail address by the code that was mailed to it; no token is needed."""
    await user_verification.verify(call.client, call.identifier("userId"), call.body(VerifyUser).code)
    return Answer(204)
