"""Who may call: the account key's signature, or a bearer token of the local identity provider."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import jwt
from jwt.types import Options

from localazure.clock import Clock
from localazure.cosmos.addressing import Address
from localazure.cosmos.errors import Unauthorized
from localazure.errors import ConfigError

LEEWAY_S = 60

_SIGNATURE_ONLY: Options = {  # times are checked against our own clock, the audience against the host of each request
    "require": ["exp", "aud"],
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
}


class Authenticator:
    """Accepts the account's key and, through `BearerTokens`, identities."""

    def __init__(self, key: str, tokens: BearerTokens) -> None:
        try:
            self._key = base64.b64decode(key, validate=True)
        except ValueError as error:
            raise ConfigError("--key is not base64") from error
        self._tokens = tokens

    def check(self, method: str, address: Address, headers: Mapping[str, str]) -> None:
        """Raises Unauthorized when the `authorization` header does not permit the call."""
        header = headers.get("authorization", "")
        if header.startswith("type=aad"):
            self._tokens.check(header.partition("&sig=")[2], headers.get("host", ""))
            return
        fields = dict(part.partition("=")[::2] for part in unquote(header).split("&"))
        if fields.get("type") != "master":
            raise Unauthorized("The authorization header is missing, or its token type is neither master nor aad.")
        text = signed_text(method, address, headers.get("x-ms-date", ""))
        if not hmac.compare_digest(fields.get("sig", "").encode(), self._sign(text)):
            shown = text.replace("\n", "\\n")
            raise Unauthorized(f"The signature does not match. The server signed this text: '{shown}'.")

    def _sign(self, text: str) -> bytes:
        return base64.b64encode(hmac.digest(self._key, text.encode(errors="surrogatepass"), hashlib.sha256))


def signed_text(method: str, address: Address, date: str) -> str:
    """What a master-key signature covers."""
    return f"{method.lower()}\n{address.resource_type}\n{address.signed_link}\n{date.lower()}\n\n"


class BearerTokens:
    """Verifies Microsoft Entra ID tokens against a JWKS document, or takes any when there is none.

    The document is read on first use and again when a token names a key that it did not hold then, so the issuer may
    start later than this service and may rotate its keys.
    """

    def __init__(self, jwks: Path | None, clock: Clock) -> None:
        self._jwks = jwks
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._verified: dict[str, Mapping[str, Any]] = {}

    def check(self, token: str, host: str) -> None:
        """Raises Unauthorized for a token that is empty, forged, expired or meant for another host."""
        if not token:
            raise Unauthorized("The bearer token is empty.")
        if self._jwks is None:
            return
        claims = self._verified.get(token) or self._verify(token)
        now = self._clock.now().timestamp()
        if claims["exp"] + LEEWAY_S < now or claims.get("nbf", 0) - LEEWAY_S > now:
            raise Unauthorized("The bearer token is expired or not valid yet.")
        audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        if not any(_is_audience(audience, host) for audience in audiences):
            raise Unauthorized(f"The bearer token is for {claims['aud']!r}, not for https://{host}.")

    def _verify(self, token: str) -> Mapping[str, Any]:
        try:
            key = self._key(jwt.get_unverified_header(token).get("kid", ""))
            claims = jwt.decode(token, key, algorithms=["RS256"], options=_SIGNATURE_ONLY)
        except jwt.PyJWTError as error:
            raise Unauthorized(f"The bearer token does not hold: {error}.") from error
        if len(self._verified) >= 256:
            self._verified.clear()
        self._verified[token] = claims
        return claims

    def _key(self, kid: str) -> jwt.PyJWK:
        if kid not in self._keys:
            self._keys = self._read_keys()
        if kid not in self._keys:
            raise Unauthorized(f"The bearer token is signed by the key {kid!r}, which is not in {self._jwks}.")
        return self._keys[kid]

    def _read_keys(self) -> dict[str, jwt.PyJWK]:
        assert self._jwks is not None  # noqa: S101  # narrows the type: without a document nothing is verified
        try:
            keys = jwt.PyJWKSet.from_dict(json.loads(self._jwks.read_text())).keys
        except (OSError, ValueError, jwt.PyJWTError) as error:
            raise Unauthorized(f"The key set {self._jwks} (--aad-jwks) cannot be read: {error}.") from error
        return {key.key_id or "": key for key in keys}


def _is_audience(audience: object, host: str) -> bool:
    """Whether an `aud` claim means this host; clients ask for a token without naming the port."""
    here = urlsplit(f"https://{host}")
    return isinstance(audience, str) and audience.rstrip("/") in {f"https://{here.netloc}", f"https://{here.hostname}"}
