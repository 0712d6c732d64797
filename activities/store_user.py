"""Activity `store_user`."""

from __future__ import annotations

from adapters import user_registrations, users
from adapters.users import Stored
from domain.shapes import JsonObject
from domain.users import UserStep

EXPIRED = "registration_expired"


class StoreUser(UserStep):
    """The key of the claim that holds what is to be stored: personal data is no part of a history."""

    registration_key: str


async def store_user(payload: JsonObject) -> JsonObject:
    """Store a new user, if nobody has the id or the e-mail address.

    In      {"tenant_id", "user_id", "correlation_id", "instance_id": str, "at": ISO 8601, "registration_key": str}
    Out     {"outcome": "stored" | "id_taken" | "email_taken" | "registration_expired"}
    Raises  Transient: insisted on
    Twice   the user who was stored by this registration is found, whatever has become of them since
    """
    step = StoreUser.model_validate(payload)
    registration = await user_registrations.find(step.tenant_id, step.registration_key)
    if registration is None:
        return {"outcome": EXPIRED}
    if registration.fields is None:  # forgotten, because it has been stored
        return {"outcome": Stored.STORED}
    outcome = await users.create(step.tenant_id, registration.user(registration.fields, step.correlation_id))
    if outcome is Stored.STORED:
        await user_registrations.forget(step.tenant_id, registration)
    return {"outcome": outcome}
