"""Activity `send_mail`."""

from __future__ import annotations

import secrets

from adapters import mail, users
from domain.letters import welcome
from domain.names import SEND_MAIL, idempotency_key
from domain.shapes import JsonObject
from domain.users import User, UserStep, awaits, with_code
from domain.verification import ALPHABET, LENGTH, OPEN_FOR, Verification, code_hash, with_tenant


class SendMail(UserStep):
    """The verification that a code is for."""

    verification_id: str


async def send_mail(payload: JsonObject) -> JsonObject:
    """Welcome a user and send the code by which the e-mail address is confirmed; only the code's hash is kept.

    In      {"tenant_id", "user_id", "correlation_id", "instance_id": str, "at": ISO 8601, "verification_id": str}
    Out     {"outcome": "sent" | "superseded"}; superseded when the user awaits another verification, or none any more
    Raises  Transient: insisted on
    Twice   another message with another code, and the newest counts: what is kept as a hash cannot be sent again
    """
    step = SendMail.model_validate(payload)
    secret = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    code = with_tenant(step.tenant_id, secret)
    kept = Verification(verification_id=step.verification_id, code_hash=code_hash(code), expires_at=step.at + OPEN_FOR)

    def decide(user: User) -> User:
        return with_code(user, kept, step.at) if awaits(user, step.verification_id) else user

    user = await users.change(step.tenant_id, step.user_id, decide)
    if user is None or user.verification != kept:
        return {"outcome": "superseded"}
    letter = welcome(user.name, code, round(OPEN_FOR.total_seconds() / 3600))
    key = f"{idempotency_key(step.instance_id, SEND_MAIL)}:{kept.code_hash}"
    await mail.send(mail.Mail(key=key, to=user.email, subject=letter.subject, text=letter.text))
    return {"outcome": "sent"}
