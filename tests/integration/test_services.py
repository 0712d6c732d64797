"""Secrets, tokens and readiness against the real vault, issuer and storage."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from adapters import clients, health, secrets, tokens
from adapters.refreshing import Refreshing
from adapters.settings import settings
from domain.callers import Role
from domain.errors import Transient
from tests.services import APP


@pytest.fixture
def fresh_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = Refreshing("keys", tokens._fetch_keys, fresh_s=60, usable_s=60)
    monkeypatch.setattr(tokens, "_key_set", keys)


async def test_secret_comes_from_the_vault_by_managed_identity() -> None:
    assert (await secrets.secret(secrets.STRIPE_API_KEY)).startswith("sk_test_")


async def test_missing_secret_is_named_and_nothing_else() -> None:
    with pytest.raises(Transient, match="secret no-such-secret: ResourceNotFoundError"):
        await secrets.secret("no-such-secret")


async def test_clients_are_built_once() -> None:
    assert await clients.cosmos() is await clients.cosmos()
    assert await clients.credential() is await clients.credential()


@pytest.mark.usefixtures("fresh_keys")
async def test_token_of_the_issuer_is_accepted(state: Path) -> None:
    command = [sys.executable, "-m", "localazure", "token", "--app", str(APP), "--state", str(state)]
    claims = ["--tenant", "acme", "--subject", "u-1", "--role", "customer"]
    token = subprocess.run([*command, *claims], check=True, capture_output=True, text=True).stdout.strip()

    caller = await tokens.verify(token)

    assert (caller.tenant_id, caller.subject, caller.roles) == ("acme", "u-1", {Role.CUSTOMER})


async def test_ready_when_every_service_answers() -> None:
    assert await health.faults() == {"cosmos": None, "storage": None, "keyVault": None}


async def test_readiness_names_the_service_that_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AzureWebJobsStorage", "AccountName=a;QueueEndpoint=http://127.0.0.1:9/a")
    settings.cache_clear()

    faults = await health.faults()

    assert faults == {"cosmos": None, "storage": faults["storage"], "keyVault": None}
    assert "storage does not answer" in str(faults["storage"])
