"""Activity `send_mail`."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from adapters import mail, users
from domain.errors import Rejected
from domain.letters import welcome
from domain.names import SEND_MAIL, idempotency_key
from domain.shapes import JsonObject
from domain.users import User, UserStep, awaits, standing, with_code
from domain.verification import ALPHABET, LENGTH, OPEN_FOR, code_hash, with_tenant


class SendMail(UserStep):
    """The verification that a code is for."""

    verification_id: str


async def send_mail(payload: JsonObject) -> JsonObject:
    """Welcome a user and send the code by which the e-mail address is confirmed; only the code's hash is kept.

    In      {"tenant_id", "user_id", "correlation_id", "instance_id": str, "at": ISO 8601, "verification_id": str}
    Out     {"outcome": "sent" | "undeliverable"}; undeliverable when the mail server refuses the address for good
            | {"outcome": "verified" | "expired" | "superseded"}: how the verification has ended before
    Raises  Transient: insisted on. The 24 h of the code begin when it is sent, not when that was first tried
    Twice   another message with another code, and both are good: what is kept as a hash cannot be sent again
    """
    step = SendMail.model_validate(payload)
    secret = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH))
    code = with_tenant(step.tenant_id, secret)
    expires_at = datetime.now(UTC) + OPEN_FOR

    def decide(user: User) -> User:
        if not awaits(user, step.verification_id):
            return user
        return with_code(user, user.verification.mailed(code, expires_at))

    user = await users.change(step.tenant_id, step.user_id, decide)
    if user is None or not user.verification.matches(code):
        return {"outcome": standing(user, step.verification_id)}
    letter = welcome(user.name, code, round(OPEN_FOR.total_seconds() / 3600))
    key = f"{idempotency_key(step.instance_id, SEND_MAIL)}:{code_hash(code)}"
    try:
        await mail.send(mail.Mail(key=key, to=user.email, subject=letter.subject, text=letter.text))
    except Rejected:
        return {"outcome": "undeliverable"}
    return {"outcome": "sent"}
