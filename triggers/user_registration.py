"""Registering a user: the use case behind `POST /v1/users`.

The claim on the idempotency key fixes the user's id and keeps what is to be stored, so whoever repeats the request
finishes the same registration; the workflow then stores the user.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from ulid import ULID

from adapters import user_registrations
from adapters.durable import DurableClient, stage, start_verification
from domain.errors import Conflict
from domain.users import RegisterUser

_WAIT_S = 2
_PAUSE_S = 0.05
_STORING = (None, "storing")
_REFUSED = {
    "id_taken": "there is a user with this userId",
    "email_taken": "this e-mail address belongs to another user",
}


@dataclass(frozen=True, slots=True)
class Registering:
    """Who is to be registered, and the key under which the same wish is known again."""

    tenant_id: str
    request: RegisterUser
    key: str
    correlation_id: str


async def register_once(client: DurableClient, told: Registering) -> tuple[str, str]:
    """See to it that the workflow which registers the user runs; the ids of user and instance.

    Raises Conflict when the key was used for another registration, Transient.
    """
    user_id = told.request.user_id or str(ULID())
    wanted = user_registrations.wish(
        told.tenant_id, told.key, told.request.to_json(), user_id=user_id, fields=told.request.fields
    )
    claim = await user_registrations.claim(told.tenant_id, wanted)
    if claim.body_hash != wanted.body_hash:
        raise Conflict("this Idempotency-Key was used with another body")
    instance_id = await start_verification(
        client,
        told.tenant_id,
        claim.user_id,
        claim.registration_id,
        told.correlation_id,
        registration_key=claim.key,
    )
    return claim.user_id, instance_id


async def is_stored(client: DurableClient, instance_id: str) -> bool:
    """Whether the workflow stores the user within two seconds. Raises Conflict when it refuses to, Transient."""
    deadline = time.monotonic() + _WAIT_S
    while True:
        now, output = await stage(client, instance_id)
        if reason := output.get("reason"):
            raise Conflict(_REFUSED.get(reason, f"the registration was refused: {reason}"))
        if now not in (*_STORING, "refused"):
            return True
        if time.monotonic() > deadline:
            return False
        await asyncio.sleep(_PAUSE_S)
