"""Identifiers in the provider's shape: a prefix that tells the kind, and 24 random characters."""

from __future__ import annotations

import secrets


def new_id(prefix: str) -> str:
    """Such as `pi_3f9c…`; the prefix is `pi`, `ch`, `re`, `evt` or `req`."""
    return f"{prefix}_{secrets.token_hex(12)}"
