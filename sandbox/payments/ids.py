"""Identifiers in the provider's shape: a prefix that tells the kind, and 24 random letters and digits."""

from __future__ import annotations

import secrets
import string

_ALPHABET = string.ascii_letters + string.digits


def new_id(prefix: str) -> str:
    """Such as `pi_3KzX...`; the prefix is `pi`, `ch`, `re`, `evt` or `req`."""
    return f"{prefix}_{''.join(secrets.choice(_ALPHABET) for _ in range(24))}"
