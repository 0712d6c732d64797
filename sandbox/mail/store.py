"""The inbox: every mail that was accepted, in the order in which it came."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage

from sandbox.database import Database


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A mail as it is shown. `to` and `sender` are the envelope's; `received_at` is ISO 8601 in UTC."""

    id: str
    sender: str
    to: list[str]
    subject: str
    message_id: str
    received_at: str
    text: str
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Filter:
    """`to` is a whole address, the others are parts of a text; none of them minds the case of ASCII letters."""

    to: str | None = None
    subject: str | None = None
    contains: str | None = None


class Inbox:
    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, sender: str, recipients: list[str], content: bytes, now: datetime) -> None:
        """Accept one mail for good."""
        parsed = message_from_bytes(content, policy=policy.default)
        self._database.run(
            "keep_message",
            sender=sender,
            recipients=json.dumps(recipients),
            subject=str(parsed.get("Subject", "")),
            message_id=str(parsed.get("Message-ID", "")),
            received_at=now.isoformat(timespec="milliseconds"),
            text=_text(parsed),
            headers=json.dumps(_headers(parsed)),
            raw=content,
        )

    def messages(self, wanted: Filter) -> list[Message]:
        """Oldest first."""
        rows = self._database.run("messages", to=wanted.to, subject=wanted.subject, contains=wanted.contains)
        return [_message(row) for row in rows]

    def message(self, message_id: str) -> Message | None:
        rows = self._database.run("message", position=message_id)
        return _message(rows[0]) if rows else None

    def raw(self, message_id: str) -> bytes | None:
        """The mail byte for byte, as a mail program would save it."""
        rows = self._database.run("raw_message", position=message_id)
        return rows[0]["raw"] if rows else None

    def clear(self) -> None:
        self._database.run("clear")


def _message(row: sqlite3.Row) -> Message:
    return Message(
        id=str(row["position"]),
        sender=row["sender"],
        to=json.loads(row["recipients"]),
        subject=row["subject"],
        message_id=row["message_id"],
        received_at=row["received_at"],
        text=row["text"],
        headers=json.loads(row["headers"]),
    )


def _text(parsed: EmailMessage) -> str:
    """The plain part; of a mail without one, the HTML as it is written."""
    body = parsed.get_body(("plain", "html"))
    if body is None:
        return ""
    try:
        return str(body.get_content())
    except LookupError:  # a charset that Python does not know
        payload = body.get_payload(decode=True)
        return payload.decode(errors="replace") if isinstance(payload, bytes) else ""


def _headers(parsed: EmailMessage) -> dict[str, str]:
    """One text per name; a header that comes more than once has its values on lines of their own."""
    headers: dict[str, str] = {}
    for name, value in parsed.items():
        headers[name] = f"{headers[name]}\n{value}" if name in headers else str(value)
    return headers
