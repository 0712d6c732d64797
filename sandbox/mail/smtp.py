"""The SMTP side: takes every mail, except for recipients whose address asks to be refused.

The local part `refuse-<code>` is refused for good and `later-<code>` for now, with the SMTP code in it, such as
`refuse-550@example.com` or `later-451@example.com`. In a mail to several recipients the others still get it.
"""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime

from aiosmtpd.smtp import SMTP, Envelope, Session

from sandbox.mail.store import Inbox

_REFUSED = re.compile(r"(?:refuse-(5\d\d)|later-(4\d\d))@.*", re.IGNORECASE)


class Sink:
    """aiosmtpd's handler: its methods' names and answers are aiosmtpd's."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    async def handle_RCPT(  # noqa: N802  # aiosmtpd looks the method up by the SMTP verb
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        refused = _REFUSED.fullmatch(address)
        if refused:
            return f"{refused[1] or refused[2]} {'refused' if refused[1] else 'try again later'}, as the address asks"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802  # as above
        content = envelope.original_content or b""
        self._inbox.keep(envelope.mail_from or "", list(envelope.rcpt_tos), content, datetime.now(UTC))
        return "250 Message accepted for the inbox, and for nowhere else"


def protocol(inbox: Inbox) -> SMTP:
    """The protocol of one connection, for `loop.create_server`."""
    return SMTP(Sink(inbox), enable_SMTPUTF8=True, hostname="localhost", loop=asyncio.get_running_loop())
