"""Key Vault, used through the real SecretClient with the real ManagedIdentityCredential."""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
import requests
from azure.core.credentials import AccessToken
from azure.core.exceptions import (
    ClientAuthenticationError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.identity import ManagedIdentityCredential
from azure.keyvault.secrets import SecretClient
from localazure.keys import SigningKey

APP = """
import asyncio, os, sys
from azure.identity import ManagedIdentityCredential
from azure.identity.aio import ManagedIdentityCredential as AsyncCredential
from azure.keyvault.secrets import SecretClient
from azure.keyvault.secrets.aio import SecretClient as AsyncClient

async def main():
    url = os.environ["KEY_VAULT_URL"]
    with SecretClient(url, ManagedIdentityCredential(), verify_challenge_resource=False) as vault:
        vault.set_secret("from-environment", "trusted")
    async with AsyncCredential() as credential, AsyncClient(url, credential, verify_challenge_resource=False) as vault:
        print((await vault.get_secret("from-environment")).value)

asyncio.run(main())
"""


class FixedToken:
    """A credential that always shows the same token."""

    def __init__(self, token):
        self._token = token

    def get_token(self, *_scopes, **_options):
        return AccessToken(self._token, int(time.time()) + 600)


@pytest.fixture
def vault(as_the_app):
    with (
        ManagedIdentityCredential() as credential,
        SecretClient(as_the_app.keyvault, credential, verify_challenge_resource=False) as client,
    ):
        yield client


def vault_with_token(services, token):
    return SecretClient(services.keyvault, FixedToken(token), verify_challenge_resource=False, retry_total=0)


def claims(**changes):
    now = int(time.time())
    return {"aud": "https://vault.azure.net", "iat": now, "nbf": now, "exp": now + 600, **changes}


def test_app_reaches_the_vault_with_nothing_but_its_environment(services):
    environment = {**os.environ, **services.client_environment(), "KEY_VAULT_URL": services.keyvault}
    done = subprocess.run(
        [sys.executable, "-c", APP], env=environment, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.stdout == "trusted\n", done.stderr


def test_set_secret_keeps_value_and_properties(vault):
    expires = datetime(2030, 1, 1, tzinfo=UTC)
    made = vault.set_secret("full", "v", content_type="text/plain", tags={"team": "a"}, expires_on=expires)
    read = vault.get_secret("full")

    assert (read.value, read.id) == ("v", made.id)
    assert read.properties.content_type == "text/plain"
    assert read.properties.tags == {"team": "a"}
    assert read.properties.expires_on == expires
    assert read.properties.recovery_level == "Recoverable+Purgeable"
    assert read.properties.recoverable_days == 90


def test_secret_names_ignore_case(vault):
    vault.set_secret("Mixed-Case", "v")

    assert vault.get_secret("mixed-case").value == "v"


def test_each_set_makes_a_version_and_old_ones_stay_readable(vault):
    first = vault.set_secret("rotated", "one")
    vault.set_secret("rotated", "two")

    assert vault.get_secret("rotated").value == "two"
    assert vault.get_secret("rotated", first.properties.version).value == "one"
    assert len(list(vault.list_properties_of_secret_versions("rotated"))) == 2


def test_update_changes_one_version_and_keeps_what_it_does_not_name(vault):
    version = vault.set_secret("updated", "v", tags={"a": "1"}).properties.version
    vault.update_secret_properties("updated", version, content_type="new", not_before=datetime(2020, 1, 1, tzinfo=UTC))
    read = vault.get_secret("updated")

    assert (read.properties.content_type, read.properties.tags, read.value) == ("new", {"a": "1"}, "v")


def test_update_without_version_changes_the_current_one(vault):
    vault.set_secret("current", "old")
    vault.set_secret("current", "new")
    vault.update_secret_properties("current", content_type="c")

    assert vault.get_secret("current").properties.content_type == "c"


def test_disabled_secret_cannot_be_read(vault):
    vault.set_secret("disabled", "v", enabled=False)

    with pytest.raises(HttpResponseError) as caught:
        vault.get_secret("disabled")
    assert caught.value.status_code == 403
    assert caught.value.error.innererror["code"] == "SecretDisabled"


def test_missing_secret_is_not_found(vault):
    with pytest.raises(ResourceNotFoundError) as caught:
        vault.get_secret("missing")
    assert caught.value.error.code == "SecretNotFound"


def test_bad_name_and_bad_page_size_are_refused(vault):
    with pytest.raises(HttpResponseError) as caught:
        vault.set_secret("under_score", "v")
    assert caught.value.status_code == 400
    with pytest.raises(HttpResponseError) as caught:
        list(vault.list_properties_of_secrets(max_page_size=0))
    assert caught.value.status_code == 400


def test_lists_follow_next_links(vault):
    names = {f"page-{number:02}" for number in range(30)}
    for name in names:
        vault.set_secret(name, "v")
    listed = [item.name for item in vault.list_properties_of_secrets(max_page_size=7)]

    assert names <= set(listed)
    assert len(listed) == len(set(listed))


def test_deleted_secret_can_be_recovered_with_all_versions(vault):
    vault.set_secret("wanted-back", "one")
    vault.set_secret("wanted-back", "two")
    deleted = vault.begin_delete_secret("wanted-back").result()

    assert deleted.scheduled_purge_date - deleted.deleted_date == timedelta(days=90)
    assert "wanted-back" in [item.name for item in vault.list_deleted_secrets()]
    with pytest.raises(ResourceNotFoundError):
        vault.get_secret("wanted-back")
    with pytest.raises(ResourceExistsError):
        vault.set_secret("wanted-back", "three")

    vault.begin_recover_deleted_secret("wanted-back").wait()
    assert vault.get_secret("wanted-back").value == "two"
    assert len(list(vault.list_properties_of_secret_versions("wanted-back"))) == 2


def test_purged_secret_is_gone_and_its_name_free(vault):
    vault.set_secret("purged", "old")
    vault.begin_delete_secret("purged").wait()
    vault.purge_deleted_secret("purged")

    with pytest.raises(ResourceNotFoundError):
        vault.get_deleted_secret("purged")
    vault.set_secret("purged", "new")
    assert len(list(vault.list_properties_of_secret_versions("purged"))) == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"aud": "https://management.azure.com"}, "not for https://vault.azure.net"),
        ({"exp": 1_700_000_000}, "expired"),
        ({"nbf": 4_000_000_000}, "not valid yet"),
    ],
)
def test_token_for_another_audience_or_time_is_refused(as_the_app, changes, reason):
    token = as_the_app.identity_key.sign(claims(**changes))

    with vault_with_token(as_the_app, token) as vault, pytest.raises(ClientAuthenticationError, match=reason):
        vault.get_secret("any")


def test_token_signed_by_another_key_is_refused(as_the_app, tmp_path):
    token = SigningKey.load(tmp_path, "stranger").sign(claims())

    with vault_with_token(as_the_app, token) as vault, pytest.raises(ClientAuthenticationError, match="unknown key"):
        vault.get_secret("any")


def test_tampered_token_is_refused(as_the_app):
    header, _, signature = as_the_app.identity_key.sign(claims()).split(".")
    _, payload, _ = as_the_app.identity_key.sign(claims(exp=4_000_000_000)).split(".")

    with (
        vault_with_token(as_the_app, f"{header}.{payload}.{signature}") as vault,
        pytest.raises(ClientAuthenticationError, match="Signature verification failed"),
    ):
        vault.get_secret("any")


def test_request_without_token_is_challenged_before_anything_is_read(services):
    answer = requests.put(f"{services.keyvault}/secrets/x", data="no json", verify=services.bundle, timeout=10)

    assert answer.status_code == 401
    assert 'resource="https://vault.azure.net"' in answer.headers["WWW-Authenticate"]
