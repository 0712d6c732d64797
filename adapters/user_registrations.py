"""Registrations under way: container `idempotency`, claimed by key before anything else is written.

The workflow is told the key alone and fetches here what it is to store, so nothing personal enters a history; once that
is stored, the claim forgets it. What is never stored expires after 24 hours.
"""

from __future__ import annotations

from datetime import datetime

from ulid import ULID

from adapters import idempotency
from adapters.cosmos import AlreadyExists, Container
from domain.errors import NotFound, Transient
from domain.shapes import Identifier, JsonObject, Model, Utc
from domain.users import User, UserFields, registered

OPERATION = "register_user"

_idempotency = Container("idempotency")


class Registration(Model):
    """Whom the first request under a key wanted to register, until that is done, and how it was answered.

    `registration_id` tells it from any other of the same user id; `is_deferred`: storing the user took longer than the
    first caller was made to wait.
    """

    tenant_id: Identifier
    key: str
    body_hash: str
    user_id: Identifier
    registration_id: Identifier
    claimed_at: Utc
    fields: UserFields | None
    is_deferred: bool = False

    def user(self, fields: UserFields, correlation_id: str) -> User:
        """The user as they are stored."""
        return registered(
            fields,
            tenant_id=self.tenant_id,
            user_id=self.user_id,
            registration_id=self.registration_id,
            at=self.claimed_at,
            correlation_id=correlation_id,
        )


def wish(
    tenant_id: str, key: str, body: JsonObject, *, user_id: str | None, fields: UserFields, at: datetime
) -> Registration:
    """What a request with this body asks for; without a user id one is made."""
    return Registration(
        tenant_id=tenant_id,
        key=idempotency.digest(tenant_id, OPERATION, key),
        body_hash=idempotency.body_hash(body),
        user_id=user_id or str(ULID()),
        registration_id=str(ULID()),
        claimed_at=at,
        fields=fields,
    )


async def claim(tenant_id: str, wanted: Registration) -> Registration:
    """Make the claim, or return the one that was made before under its key. Raises Transient."""
    try:
        await _idempotency.create({"id": wanted.key, **wanted.to_json(), "tenantId": tenant_id})
    except AlreadyExists:
        found = await find(tenant_id, wanted.key)
        if found is None:
            raise Transient("the claim on this Idempotency-Key expires at this moment") from None
        return found
    return wanted


async def find(tenant_id: str, key: str) -> Registration | None:
    """The claim on a key, or None. Raises Transient."""
    try:
        found = Registration.model_validate(await _idempotency.read(key, key))
    except NotFound:
        return None
    return found if found.tenant_id == tenant_id else None


async def forget(tenant_id: str, registration: Registration) -> None:
    """Keep nothing personal in the claim. Raises Transient."""
    await _set(tenant_id, registration, "fields", None)


async def defer(tenant_id: str, registration: Registration) -> None:
    """Note that the first caller was answered before the user was stored. Raises Transient."""
    await _set(tenant_id, registration, "isDeferred", True)


async def _set(tenant_id: str, registration: Registration, field: str, value: bool | None) -> None:
    if await find(tenant_id, registration.key):
        change = {"op": "set", "path": f"/{field}", "value": value}
        await _idempotency.patch(registration.key, registration.key, [change])
