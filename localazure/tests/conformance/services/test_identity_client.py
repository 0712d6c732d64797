"""The managed identity endpoint, asked by the real ManagedIdentityCredential."""

import jwt
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ManagedIdentityCredential
from azure.identity.aio import ManagedIdentityCredential as AsyncManagedIdentityCredential

SCOPE = "https://vault.azure.net/.default"


def decode(services, token, audience="https://vault.azure.net"):
    public = services.identity_key.private.public_key()
    return jwt.decode(token, public, algorithms=["RS256"], audience=audience)


def test_sync_credential_gets_a_signed_token_for_the_resource(as_the_app):
    with ManagedIdentityCredential() as credential:
        token = credential.get_token(SCOPE)

    claims = decode(as_the_app, token.token)
    assert claims["iss"] == f"https://sts.windows.net/{claims['tid']}/"
    assert token.expires_on == claims["exp"]


async def test_async_credential_gets_a_signed_token_for_the_resource(as_the_app):
    async with AsyncManagedIdentityCredential() as credential:
        token = await credential.get_token(SCOPE)

    assert decode(as_the_app, token.token)["aud"] == "https://vault.azure.net"


def test_user_assigned_identity_is_another_principal_than_the_system_assigned(as_the_app):
    with ManagedIdentityCredential() as system, ManagedIdentityCredential(client_id="c-1") as user:
        of_system = decode(as_the_app, system.get_token(SCOPE).token)
        of_user = decode(as_the_app, user.get_token(SCOPE).token)

    assert of_user["appid"] == "c-1"
    assert of_user["oid"] != of_system["oid"]


def test_wrong_header_is_refused(as_the_app, monkeypatch):
    monkeypatch.setenv("IDENTITY_HEADER", "guess")
    with (
        ManagedIdentityCredential() as credential,
        pytest.raises(ClientAuthenticationError, match=r"401|IDENTITY_HEADER"),
    ):
        credential.get_token(SCOPE)
