"""Telling the code from the mail: the use case behind `POST /v1/users/{userId}/verification`.

Whoever calls has no token, so nothing is told that the code does not prove: an unknown user, a wrong code and a dead
one are answered alike. Each attempt counts under the user's ETag, so guesses in parallel do not get more of them; after
five wrong ones the code is dead.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime

from adapters import users
from adapters.durable import DurableClient, NotBegun, raise_event
from domain.errors import Conflict, Rejected
from domain.names import IDENTIFIER, VERIFIED, register_instance_id
from domain.users import User, verified
from domain.verification import tenant_of

_REFUSAL = "the code is wrong, has expired or has been tried too often"


async def verify(client: DurableClient, user_id: str, code: str) -> None:
    """Confirm the user's e-mail address. Raises Rejected unless the code is right, Transient."""
    tenant_id = tenant_of(code)
    if not re.fullmatch(IDENTIFIER, tenant_id):
        raise Rejected(_REFUSAL)
    is_right = False

    def decide(user: User) -> User:
        nonlocal is_right
        after, is_right = verified(user, code, datetime.now(UTC))
        return after

    user = await users.change(tenant_id, user_id, decide)
    if user is None or not is_right:
        raise Rejected(_REFUSAL)
    await _wake(client, user)


async def _wake(client: DurableClient, user: User) -> None:
    """Spare the workflow the rest of the day; without a word it finds out when the time is over."""
    instance_id = register_instance_id(user.tenant_id, user.user_id, user.verification.verification_id)
    with suppress(Conflict, NotBegun):  # ended, as somebody has told the code before; or about to begin, and to look
        await raise_event(client, instance_id, VERIFIED, {"actor": user.user_id})
