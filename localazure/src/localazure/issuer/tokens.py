"""What an Entra v2.0 access token says, made from who it is for."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from localazure.clock import Clock
from localazure.keys import SigningKey

LIFETIME_S = 4_500
"""75 minutes, the middle of what Entra chooses at random."""

USER_SCOPE = "access_as_user"

_IDS = uuid.UUID("10ca1a2e-0000-4000-8000-000000000002")


@dataclass(frozen=True)
class TokenRequest:
    """Who asks, and for what. Without `scopes` it is an application's token, with them a user's."""

    tenant: str
    audience: str
    client_id: str
    subject: str
    roles: Sequence[str] = ()
    scopes: Sequence[str] = ()
    lifetime_s: int = LIFETIME_S


def issue_token(request: TokenRequest, *, issuer_url: str, key: SigningKey, clock: Clock) -> str:
    """A signed token; a negative lifetime gives one that expired that many seconds ago."""
    now = int(clock.now().timestamp())
    issued_at = now + min(request.lifetime_s - LIFETIME_S, 0) if request.lifetime_s <= 0 else now
    return key.sign(
        {
            **_claims(request, issuer_url),
            "iat": issued_at,
            "nbf": issued_at,
            "exp": now + request.lifetime_s,
            "uti": uuid.uuid4().hex[:22],
        }
    )


def issuer_of(issuer_url: str, tenant: str) -> str:
    """The `iss` of a tenant's tokens."""
    return f"{issuer_url}/{tenant}/v2.0"


def _claims(request: TokenRequest, issuer_url: str) -> dict[str, Any]:
    object_id = str(uuid.uuid5(_IDS, f"{request.tenant}/{request.subject}"))
    claims: dict[str, Any] = {
        "aud": request.audience,
        "iss": issuer_of(issuer_url, request.tenant),
        "tid": request.tenant,
        "sub": request.subject,
        "oid": object_id,
        "azp": request.client_id,
        "azpacr": "0" if request.scopes else "1",
        "ver": "2.0",
    }
    if request.scopes:
        claims["scp"] = " ".join(request.scopes)
    else:
        claims["idtyp"] = "app"
    if request.roles:
        claims["roles"] = list(request.roles)
    return claims
