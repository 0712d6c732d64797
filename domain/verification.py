"""Verification of an e-mail address: a code that is mailed, kept as a hash alone, and dies after five wrong attempts.

A message that is repeated after a crash has another code, and nobody knows which of them arrives last or at all: each
code that was mailed for a verification is good.

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
MOST_CODES = 5
OPEN_FOR = timedelta(hours=24)


class Verification(Model):
    """The verification that a user has before them, or was the last, with the hashes of its codes, newest first."""

    verification_id: Identifier
    code_hashes: tuple[str, ...] = ()
    expires_at: Utc | None = None
    wrong_codes: int = 0

    def is_open(self, at: datetime) -> bool:
        """Whether a code may still be told."""
        return self.expires_at is not None and at < self.expires_at and self.wrong_codes < MOST_WRONG

    def matches(self, code: str) -> bool:
        """Whether this is a code of it."""
        told = code_hash(code)
        return any(hmac.compare_digest(kept, told) for kept in self.code_hashes)

    def mailed(self, code: str, expires_at: datetime) -> Verification:
        """The same with one more code. Old messages are looked at no more once there are many new ones."""
        hashes = (code_hash(code), *self.code_hashes)[:MOST_CODES]
        return self.model_copy(update={"code_hashes": hashes, "expires_at": expires_at, "wrong_codes": 0})

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
