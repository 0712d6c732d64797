"""Registrations under way: container `idempotency`, claimed by key before anything else is written.

The workflow is told the key alone and fetches here what it is to store, so nothing personal enters a history; once that
is stored, the claim forgets it. What is never stored expires after 24 hours.
"""

from __future__ import annotations

from adapters import idempotency
from adapters.cosmos import AlreadyExists, Container
from domain.errors import NotFound, Transient
from domain.shapes import Identifier, JsonObject, Model
from domain.users import UserFields

OPERATION = "register_user"

_idempotency = Container("idempotency")

_ID_LENGTH = 12


class Registration(Model):
    """Whom the first request under a key wanted to register, until that is done."""

    tenant_id: Identifier
    key: str
    body_hash: str
    user_id: Identifier
    fields: UserFields | None

    @property
    def registration_id(self) -> str:
        """What tells this registration from any other of the same user id."""
        return self.key[:_ID_LENGTH]


def wish(tenant_id: str, key: str, body: JsonObject, *, user_id: str, fields: UserFields) -> Registration:
    """What a request with this body asks for."""
    return Registration(
        tenant_id=tenant_id,
        key=idempotency.digest(tenant_id, OPERATION, key),
        body_hash=idempotency.body_hash(body),
        user_id=user_id,
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
    """Keep of the claim only whose it is. Raises Transient."""
    if await find(tenant_id, registration.key):
        await _idempotency.patch(registration.key, registration.key, [{"op": "set", "path": "/fields", "value": None}])
