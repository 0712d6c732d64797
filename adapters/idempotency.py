"""Answers of keyed requests: container `idempotency`, kept for 24 hours unless a claim asks for longer.

A request claims its key with one create before anything else is written. The claim fixes the order's id, so whoever
repeats the request, even after a crash between two writes, finishes the same order instead of placing another.
"""

from __future__ import annotations

import hashlib
import json

from adapters.cosmos import AlreadyExists, Container
from domain.errors import NotFound, Transient
from domain.shapes import Identifier, JsonObject, Model

_idempotency = Container("idempotency")


class Claim(Model):
    """What the first request under a key was, and what it is answered."""

    tenant_id: Identifier
    key: str
    body_hash: str
    order_id: str
    answer: JsonObject


def digest(*parts: str) -> str:
    """A fixed-length name for these texts, which are kept apart from each other."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def body_hash(body: JsonObject) -> str:
    """The same for two bodies that say the same, whatever the order of their fields."""
    return digest(json.dumps(body, sort_keys=True))


async def claim(tenant_id: str, wish: Claim, *, kept_s: int | None = None) -> Claim:
    """Make the claim, or return the one that was made before under its key; `kept_s` for other than 24 h.

    Raises Transient.
    """
    document = {"id": wish.key, **wish.to_json(), "tenantId": tenant_id}
    try:
        await _idempotency.create(document if kept_s is None else {**document, "ttl": kept_s})
    except AlreadyExists:
        made = await find(tenant_id, wish.key)
        if made is None:
            raise Transient("the claim on this Idempotency-Key expires at this moment") from None
        return made
    return wish


async def find(tenant_id: str, key: str) -> Claim | None:
    """The tenant's claim under this key, or None. Raises Transient."""
    try:
        made = Claim.model_validate(await _idempotency.read(key, key))
    except NotFound:
        return None
    return made if made.tenant_id == tenant_id else None
