"""Mail over SMTP: Azure Communication Services' relay in the cloud, a sink here."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from email.message import EmailMessage

import aiosmtplib

from adapters import secrets
from adapters.settings import settings
from domain.errors import Rejected, Transient

_TIMEOUT_S = 10
_FOR_GOOD = 500


@dataclass(frozen=True, slots=True)
class Mail:
    """One message. `key` names the step that sends it: the same key is the same message to every mail system."""

    key: str
    to: str | None
    subject: str
    text: str


async def send(mail: Mail) -> None:
    """Hand the message to the mail server; without an addressee it goes to the merchant's mailbox.

    Raises Rejected when the server refuses the addressee for good, Transient.
    """
    login = settings().smtp_username
    try:
        await aiosmtplib.send(
            _message(mail),
            hostname=settings().smtp_host,
            port=settings().smtp_port,
            username=login,
            password=await secrets.secret(secrets.SMTP_PASSWORD) if login else None,
            timeout=_TIMEOUT_S,
        )
    except aiosmtplib.SMTPRecipientsRefused as refused:
        codes = [recipient.code for recipient in refused.recipients]
        kind = Rejected if min(codes) >= _FOR_GOOD else Transient
        raise kind(f"the mail server refuses the addressee: {codes}") from refused
    except (aiosmtplib.SMTPException, OSError) as error:
        raise Transient(f"the mail server did not take the message: {type(error).__name__}") from error


def message_id(key: str) -> str:
    """The same for the same step, and short enough to stay on one line, where every mail system finds it."""
    digest = hashlib.sha256(key.encode()).hexdigest()[:32]
    return f"<{digest}@{settings().mail_from.partition('@')[2]}>"


def _message(mail: Mail) -> EmailMessage:
    message = EmailMessage()
    message["From"] = settings().mail_from
    message["To"] = mail.to or settings().mail_merchant_address
    message["Subject"] = mail.subject
    message["Message-ID"] = message_id(mail.key)
    message.set_content(mail.text)
    return message
