"""Bearer tokens: what the account accepts when it is given a key set."""

from __future__ import annotations

import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from localazure.clock import ManualClock
from localazure.cosmos.auth import BearerTokens
from localazure.cosmos.errors import Unauthorized

HOST = "localhost:8081"
KEYS = {kid: rsa.generate_private_key(public_exponent=65537, key_size=2048) for kid in ("k1", "k2")}


def publish(path, *kids):
    keys = [{**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEYS[kid].public_key())), "kid": kid} for kid in kids]
    path.write_text(json.dumps({"keys": keys}))


@pytest.fixture
def clock():
    return ManualClock()


@pytest.fixture
def jwks(tmp_path):
    return tmp_path / "jwks.json"


@pytest.fixture
def tokens(jwks, clock):
    publish(jwks, "k1")
    return BearerTokens(jwks, clock)


@pytest.fixture
def token(clock):
    def make(kid="k1", signer=None, aud="https://localhost", lifetime_s=600, **claims):
        claims = {"aud": aud, "exp": clock.now().timestamp() + lifetime_s, **claims}
        return jwt.encode(claims, KEYS[signer or kid], algorithm="RS256", headers={"kid": kid})

    return make


@pytest.mark.parametrize(
    "audience", ["https://localhost", "https://localhost/", "https://localhost:8081", "https://localhost:8081/"]
)
def test_the_audience_is_the_host_with_or_without_port_and_slash(tokens, token, audience):
    tokens.check(token(aud=audience), HOST)


@pytest.mark.parametrize("audience", ["https://other", "http://localhost", "localhost", "https://localhost:9/", ""])
def test_another_audience_is_refused(tokens, token, audience):
    with pytest.raises(Unauthorized, match=r"is for"):
        tokens.check(token(aud=audience), HOST)


def test_a_token_is_refused_once_it_expired(tokens, token, clock):
    held = token()
    tokens.check(held, HOST)
    clock.advance(seconds=661)
    with pytest.raises(Unauthorized, match="expired"):
        tokens.check(held, HOST)


def test_a_token_is_refused_before_it_is_valid(tokens, token, clock):
    with pytest.raises(Unauthorized, match="not valid yet"):
        tokens.check(token(nbf=clock.now().timestamp() + 120), HOST)


def test_a_forged_signature_is_refused(tokens, token):
    with pytest.raises(Unauthorized, match="does not hold"):
        tokens.check(token(kid="k1", signer="k2"), HOST)


def test_a_token_without_signature_is_refused(tokens, clock):
    claims = {"aud": "https://localhost", "exp": clock.now().timestamp() + 600}
    with pytest.raises(Unauthorized):
        tokens.check(jwt.encode(claims, "", algorithm="none", headers={"kid": "k1"}), HOST)


def test_a_key_that_is_published_later_is_found(tokens, token, jwks):
    with pytest.raises(Unauthorized, match="'k2'"):
        tokens.check(token(kid="k2"), HOST)
    publish(jwks, "k1", "k2")
    tokens.check(token(kid="k2"), HOST)


def test_a_missing_key_set_is_named(tmp_path, clock, token):
    with pytest.raises(Unauthorized, match="--aad-jwks"):
        BearerTokens(tmp_path / "none.json", clock).check(token(), HOST)


def test_without_a_key_set_any_token_will_do_but_none(clock):
    tokens = BearerTokens(None, clock)
    tokens.check("anything", HOST)
    with pytest.raises(Unauthorized):
        tokens.check("", HOST)
