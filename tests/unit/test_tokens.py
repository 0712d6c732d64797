from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from adapters import tokens
from adapters.refreshing import Refreshing
from domain.callers import Role
from domain.errors import Transient, Unauthenticated

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)

Sign = Callable[..., str]


def published(**keys: rsa.RSAPrivateKey) -> dict[str, Any]:
    """A JWKS document with these keys by their ids."""
    jwks = [
        {**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key())), "kid": kid, "use": "sig"}
        for kid, key in keys.items()
    ]
    return {"keys": jwks}


class Issuer:
    """What the issuer publishes, and how often it was asked."""

    def __init__(self) -> None:
        self.jwks = published(k1=KEY)
        self.asked: list[str] = []

    async def get_json(self, url: str) -> dict[str, Any]:
        self.asked.append(url)
        if url.endswith("openid-configuration"):
            return {"jwks_uri": "https://issuer.example/keys"}
        return self.jwks


@pytest.fixture(autouse=True)
def issuer(monkeypatch: pytest.MonkeyPatch) -> Issuer:
    issuer = Issuer()
    clock = iter(range(0, 10_000, 60))  # a minute passes between any two looks at the clock
    kept = Refreshing("keys", tokens._fetch_keys, fresh_s=1e9, usable_s=1e9, clock=lambda: float(next(clock)))
    monkeypatch.setattr(tokens, "_get_json", issuer.get_json)
    monkeypatch.setattr(tokens, "_key_set", kept)
    return issuer


@pytest.fixture
def sign() -> Sign:
    """`sign(aud=…)`: a good token, with changed claims; None leaves a claim out."""

    def make(*, key: Any = KEY, kid: str = "k1", algorithm: str = "RS256", **changes: Any) -> str:
        now = int(time.time())
        claims = {
            "iss": "https://issuer.example/acme/v2.0",
            "aud": "api://waybill",
            "tid": "acme",
            "sub": "u-1",
            "roles": ["operator"],
            "exp": now + 600,
            "nbf": now,
        }
        claims = {name: value for name, value in {**claims, **changes}.items() if value is not None}
        return jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid})

    return make


async def test_good_token_names_tenant_subject_and_roles(sign: Sign, issuer: Issuer) -> None:
    caller = await tokens.verify(sign(roles=["customer", "astronaut"]))

    assert (caller.tenant_id, caller.subject, caller.roles) == ("acme", "u-1", {Role.CUSTOMER})
    assert issuer.asked[0] == "https://issuer.example/common/v2.0/.well-known/openid-configuration"


@pytest.mark.parametrize(
    ("changes", "saying"),
    [
        ({"exp": int(time.time()) - 61}, "expired"),
        ({"exp": None}, "exp"),
        ({"nbf": int(time.time()) + 600}, "not yet valid"),
        ({"aud": "api://other"}, "another audience"),
        ({"aud": None}, "aud"),
        ({"iss": "https://evil.example/acme/v2.0"}, "another issuer"),
        ({"iss": "https://issuer.example/other/v2.0"}, "another issuer"),
        ({"tid": None}, "no tenant"),
        ({"tid": "a/b"}, "no tenant"),
        ({"sub": None}, "sub"),
        ({"key": OTHER_KEY}, "not valid"),
    ],
)
async def test_token_that_proves_nothing_is_refused(sign: Sign, changes: dict[str, Any], saying: str) -> None:
    with pytest.raises(Unauthenticated, match=saying):
        await tokens.verify(sign(**changes))


async def test_clocks_may_differ_by_a_minute(sign: Sign) -> None:
    now = int(time.time())

    assert (await tokens.verify(sign(exp=now - 30, nbf=now + 30))).subject == "u-1"


@pytest.mark.parametrize(("algorithm", "key"), [("none", ""), ("HS256", "x" * 64)])
async def test_only_rs256_is_accepted(sign: Sign, algorithm: str, key: str) -> None:
    with pytest.raises(Unauthenticated, match="RS256"):
        await tokens.verify(sign(algorithm=algorithm, key=key))


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "é" * 10])
async def test_nonsense_is_no_token(token: str) -> None:
    with pytest.raises(Unauthenticated, match="not a JWT"):
        await tokens.verify(token)


async def test_roles_that_are_no_list_give_no_role(sign: Sign) -> None:
    assert (await tokens.verify(sign(roles="admin"))).roles == frozenset()


async def test_keys_are_asked_for_once(sign: Sign, issuer: Issuer) -> None:
    for _ in range(5):
        await tokens.verify(sign())

    assert len(issuer.asked) == 2  # where the keys are, and the keys


async def test_rotated_key_is_found_by_looking_once_more(sign: Sign, issuer: Issuer) -> None:
    await tokens.verify(sign())
    issuer.jwks = published(k1=KEY, k2=OTHER_KEY)

    assert (await tokens.verify(sign(key=OTHER_KEY, kid="k2"))).subject == "u-1"


async def test_forged_key_ids_do_not_make_us_hammer_the_issuer(
    sign: Sign, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        tokens, "_key_set", Refreshing("keys", tokens._fetch_keys, fresh_s=1e9, usable_s=1e9, clock=lambda: 0.0)
    )
    for number in range(20):
        with pytest.raises(Unauthenticated, match="does not publish"):
            await tokens.verify(sign(kid=f"forged-{number}"))

    assert len(issuer.asked) == 2


async def test_issuer_that_is_down_is_a_transient_fault(sign: Sign, monkeypatch: pytest.MonkeyPatch) -> None:
    async def down(url: str) -> dict[str, Any]:
        raise TimeoutError

    monkeypatch.setattr(tokens, "_get_json", down)

    with pytest.raises(Transient, match="issuer's keys"):
        await tokens.verify(sign())
