"""Bearer tokens: OAuth 2.0 JWTs from the issuer in AUTH_ISSUER, checked with its published keys.

The issuer may contain `{tid}`, as Microsoft Entra ID's does: a token's `iss` must then be the issuer of the token's own
tenant, and the keys are those of tenant `common`. Keys are kept and renewed in the background, so that neither a slow
issuer nor one that is down for less than a day keeps anybody out. A token signed by a key we have not seen makes us
look once, and not again for a while, so that forged tokens cannot make us hammer the issuer.
"""

from __future__ import annotations

import re
from typing import Any

import jwt
from aiohttp import ClientError

from adapters import clients
from adapters.refreshing import Refreshing
from adapters.settings import settings
from domain.callers import Caller, Role
from domain.errors import Transient, Unauthenticated
from domain.names import IDENTIFIER

ALGORITHM = "RS256"

_LEEWAY_S = 60
_FRESH_S = 60 * 60
_USABLE_S = 24 * 60 * 60
_LOOK_AGAIN_S = 10
_ROLES = {role.value for role in Role}

KeySet = dict[str, jwt.PyJWK]


async def verify(token: str) -> Caller:
    """Who the bearer of this token is. Raises Unauthenticated, saying what is wrong, and Transient."""
    key = await _signing_key(_key_id(token))
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            audience=settings().auth_audience,
            leeway=_LEEWAY_S,
            options={"require": ["exp", "iss", "aud", "sub"]},
        )
    except jwt.ExpiredSignatureError as error:
        raise Unauthenticated("the token has expired") from error
    except jwt.InvalidAudienceError as error:
        raise Unauthenticated("the token is for another audience") from error
    except jwt.InvalidTokenError as error:
        raise Unauthenticated(f"the token is not valid: {error}") from error
    return _caller(claims)


def _key_id(token: str) -> str:
    try:
        header = jwt.get_unverified_header(token)
    except jwt.InvalidTokenError as error:
        raise Unauthenticated("the bearer token is not a JWT") from error
    if header.get("alg") != ALGORITHM:
        raise Unauthenticated(f"the token must be signed with {ALGORITHM}")
    return str(header.get("kid"))


def _caller(claims: dict[str, Any]) -> Caller:
    tenant_id = claims.get(settings().auth_tenant_claim)
    subject = claims["sub"]
    if not isinstance(tenant_id, str) or not re.fullmatch(IDENTIFIER, tenant_id):
        raise Unauthenticated(f"the token names no tenant in claim {settings().auth_tenant_claim}")
    if claims["iss"] != settings().auth_issuer.replace("{tid}", str(claims.get("tid"))):
        raise Unauthenticated("the token is from another issuer")
    roles = claims.get("roles", [])
    held = frozenset(Role(role) for role in roles if role in _ROLES) if isinstance(roles, list) else frozenset()
    return Caller(tenant_id, subject, held)


async def _signing_key(key_id: str) -> jwt.PyJWK:
    keys = await _key_set.get()
    if key_id not in keys and _key_set.age_s > _LOOK_AGAIN_S:
        keys = await _key_set.renew()
    if key_id not in keys:
        raise Unauthenticated("the token is signed with a key that the issuer does not publish")
    return keys[key_id]


async def _fetch_keys() -> KeySet:
    issuer = settings().auth_issuer.replace("{tid}", "common")
    try:
        discovery = await _get_json(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        published = await _get_json(discovery["jwks_uri"])
        return {key.key_id: key for key in jwt.PyJWKSet.from_dict(published).keys if key.key_id}
    except (ClientError, TimeoutError, KeyError, ValueError, jwt.PyJWTError) as error:
        raise Transient(f"the token issuer's keys cannot be read: {type(error).__name__}", retry_after_s=5) from error


async def _get_json(url: str) -> dict[str, Any]:
    session = await clients.http_session()
    async with session.get(url, raise_for_status=True) as answer:
        document: dict[str, Any] = await answer.json(content_type=None)
        return document


_key_set: Refreshing[KeySet] = Refreshing("the issuer's keys", _fetch_keys, fresh_s=_FRESH_S, usable_s=_USABLE_S)
