"""Registering a user: the use case behind `POST /v1/users`.

The claim on the idempotency key fixes the user's id and keeps what is to be stored, so whoever repeats the request
finishes the same registration; the workflow then stores the user. The first answer can be given again although nobody
keeps what is personal in it: the repeated request says the same, or it is another one.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from adapters import user_registrations
from adapters.durable import DurableClient, stage, start_verification
from adapters.user_registrations import Registration
from domain.errors import Conflict
from domain.names import register_instance_id
from domain.users import RegisterUser, User

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


async def register_once(client: DurableClient, told: Registering) -> Registration:
    """See to it that the workflow which registers the user runs; the claim of the first request under this key.

    Raises Conflict when the key was used for another registration, Transient.
    """
    request = told.request
    wanted = user_registrations.wish(
        told.tenant_id,
        told.key,
        request.to_json(),
        user_id=request.user_id,
        fields=request.fields,
        at=datetime.now(UTC),
    )
    claim = await user_registrations.claim(told.tenant_id, wanted)
    if claim.body_hash != wanted.body_hash:
        raise Conflict("this Idempotency-Key was used with another body")
    await start_verification(
        client,
        told.tenant_id,
        claim.user_id,
        claim.registration_id,
        told.correlation_id,
        registration_key=claim.key,
    )
    return claim


async def registered_user(client: DurableClient, claim: Registration, told: Registering) -> User | None:
    """The user as they were stored; None if that takes more than two seconds, for whoever repeats the request too.

    Raises Conflict when the workflow refuses to store them, Transient.
    """
    if claim.is_deferred:
        return None
    if await _is_stored(client, instance_id(claim)):
        return claim.user(told.request.fields, told.correlation_id)
    await user_registrations.defer(told.tenant_id, claim)
    return None


def instance_id(claim: Registration) -> str:
    """The workflow of this registration."""
    return register_instance_id(claim.tenant_id, claim.user_id, claim.registration_id)


async def _is_stored(client: DurableClient, instance_id: str) -> bool:
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
