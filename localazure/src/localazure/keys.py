"""RSA keys that sign tokens, and the check of such tokens.

A key is made once and kept under `{state}/keys`, so that tokens stay valid when the system starts again. Its public
half is published as a JSON Web Key Set: over HTTP by the issuer, and as a file for the emulators beside it.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from jwt.types import Options

from localazure.clock import Clock
from localazure.state import write_file

IDENTITY_JWKS = "identity-jwks.json"
ONLY_SIGNATURE: Options = {
    "require": ["exp", "aud"],
    "verify_exp": False,  # times are checked against our own clock
    "verify_nbf": False,
    "verify_iat": False,
    "verify_aud": False,
}
LEEWAY_S = 60
"""Clocks of two machines may differ by this much; Entra's own libraries allow more."""


class TokenRefusedError(Exception):
    """A bearer token that must not be accepted; the text says why."""


@dataclass(frozen=True)
class SigningKey:
    """A private key with the id under which its public half is published."""

    private: rsa.RSAPrivateKey
    kid: str

    @classmethod
    def load(cls, folder: Path, name: str) -> SigningKey:
        """The key `{folder}/{name}.pem`, made when it does not exist."""
        path = folder / f"{name}.pem"
        if not path.exists():
            write_file(path, _new_private_key(), mode=0o600)
        private = serialization.load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(private, rsa.RSAPrivateKey):
            raise TypeError(f"{path} holds no RSA key; delete it, and a new one is made")
        return cls(private, _thumbprint(private.public_key()))

    def sign(self, claims: Mapping[str, Any]) -> str:
        """The claims as an RS256 JSON Web Token."""
        return jwt.encode(dict(claims), self.private, algorithm="RS256", headers={"kid": self.kid})

    def jwks(self) -> dict[str, Any]:
        """The public half as a JSON Web Key Set."""
        key = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        del key["key_ops"]
        return {"keys": [{**key, "kid": self.kid, "use": "sig", "alg": "RS256"}]}


def publish_identity_keys(folder: Path) -> Path:
    """Write the identity endpoint's public keys for those who check its tokens; where they are."""
    path = folder / IDENTITY_JWKS
    write_file(path, json.dumps(SigningKey.load(folder, "identity").jwks(), indent=2).encode())
    return path


def identity_header(folder: Path) -> str:
    """The secret that a caller of the identity endpoint must show, made once."""
    path = folder / "identity-header"
    if not path.exists():
        write_file(path, secrets.token_hex(16).encode(), mode=0o600)
    return path.read_text().strip()


class TokenVerifier:
    """Accepts the tokens of one key set that are meant for one audience."""

    def __init__(self, jwks: Mapping[str, Any], audience: str, clock: Clock) -> None:
        self._keys = {key.key_id: key.key for key in jwt.PyJWKSet.from_dict(dict(jwks)).keys}
        self._audience = audience
        self._clock = clock

    def verify(self, token: str) -> dict[str, Any]:
        """The token's claims; TokenRefusedError for a wrong signature, audience or time."""
        try:
            key = self._keys[jwt.get_unverified_header(token).get("kid")]
            claims = jwt.decode(token, key, algorithms=["RS256"], options=ONLY_SIGNATURE)
        except KeyError:
            raise TokenRefusedError("The token is signed by an unknown key.") from None
        except jwt.InvalidTokenError as error:
            raise TokenRefusedError(f"The token cannot be read: {error}.") from error
        self._check_audience(claims["aud"])
        self._check_times(claims)
        return claims

    def _check_audience(self, audience: object) -> None:
        if str(audience).rstrip("/") != self._audience:
            raise TokenRefusedError(f"The token is for {audience}, not for {self._audience}.")

    def _check_times(self, claims: Mapping[str, Any]) -> None:
        now = self._clock.now().timestamp()
        if claims["exp"] <= now - LEEWAY_S:
            raise TokenRefusedError("The token has expired.")
        if claims.get("nbf", 0) > now + LEEWAY_S:
            raise TokenRefusedError("The token is not valid yet.")


def _new_private_key() -> bytes:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _thumbprint(key: rsa.RSAPublicKey) -> str:
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()[:32]
