"""Activity `record_verification`."""

from __future__ import annotations

from adapters import users
from domain.shapes import JsonObject
from domain.users import User, UserStep, awaits, expired, standing


class RecordVerification(UserStep):
    """The verification that somebody seems to have passed, or whose time is over."""

    verification_id: str
    timed_out: bool


async def record_verification(payload: JsonObject) -> JsonObject:
    """See how a verification ended; one that nobody has passed in time expires.

    In      {"tenant_id", "user_id", "correlation_id", "instance_id": str, "at": ISO 8601, "verification_id": str,
             "timed_out": bool}
    Out     {"outcome": "verified" | "expired" | "superseded" | "pending"}; pending when there is time left
    Raises  Transient: insisted on
    Twice   a user who has expired stays so
    """
    step = RecordVerification.model_validate(payload)

    def decide(user: User) -> User:
        return expired(user, step.at) if step.timed_out and awaits(user, step.verification_id) else user

    user = await users.change(step.tenant_id, step.user_id, decide)
    return {"outcome": standing(user, step.verification_id)}
