"""Verification of an e-mail address: a code that is mailed, kept as a hash alone, and dies after five wrong attempts.

The route that takes a code is open to anyone, so no token says which tenant is meant; the code says it:
`{tenantId}.{16 letters and digits}`. Eighty random bits need no slow hash.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta

from domain.shapes import Identifier, Model, Utc

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: no letter looks like another or like a digit."""

LENGTH = 16
MOST_WRONG = 5
OPEN_FOR = timedelta(hours=24)


class Verification(Model):
    """The verification that a user has before them, or was the last. Without a hash no code has been made yet."""

    verification_id: Identifier
    code_hash: str | None = None
    expires_at: Utc | None = None
    wrong_codes: int = 0

    def is_open(self, at: datetime) -> bool:
        """Whether a code may still be told."""
        return self.expires_at is not None and at < self.expires_at and self.wrong_codes < MOST_WRONG

    def matches(self, code: str) -> bool:
        """Whether this is the code; takes as long for a wrong one."""
        return hmac.compare_digest(self.code_hash or "", code_hash(code))

    def refused(self) -> Verification:
        """The same after a wrong code."""
        return self.model_copy(update={"wrong_codes": self.wrong_codes + 1})


def with_tenant(tenant_id: str, secret: str) -> str:
    """The code as it is mailed."""
    return f"{tenant_id}.{secret}"


def tenant_of(code: str) -> str:
    """The tenant that a code names; nobody's when it names none."""
    return code.rpartition(".")[0]


def code_hash(code: str) -> str:
    """What is kept of a code. People may type its letters in either case."""
    tenant_id, _, secret = code.rpartition(".")
    return hashlib.sha256(f"{tenant_id}.{secret.upper()}".encode()).hexdigest()
