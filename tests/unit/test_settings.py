from __future__ import annotations

import pytest

from adapters.settings import SettingsError, settings
from adapters.storage import queue_endpoint


def test_complete_settings_are_read() -> None:
    assert settings().cosmos_endpoint == "https://127.0.0.1:9/"
    assert settings().reservation_minutes == 30
    assert settings().key_vault_verify_challenge is True


def test_every_problem_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COSMOS__accountEndpoint")
    monkeypatch.setenv("SMTP_PORT", "eighty")
    monkeypatch.setenv("KEY_VAULT_URL", "http://in-the-clear")
    monkeypatch.setenv("RESERVATION_MINUTES", "0")

    with pytest.raises(SettingsError) as caught:
        settings()

    for name in ("COSMOS__accountEndpoint", "SMTP_PORT", "KEY_VAULT_URL", "RESERVATION_MINUTES"):
        assert name in str(caught.value)


def test_problems_do_not_repeat_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY_VAULT_URL", "hunter2")

    with pytest.raises(SettingsError) as caught:
        settings()

    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("connection", "endpoint"),
    [
        ("UseDevelopmentStorage=true", "http://127.0.0.1:10001/devstoreaccount1"),
        ("AccountName=a;AccountKey=k==;QueueEndpoint=http://127.0.0.1:5/a", "http://127.0.0.1:5/a"),
        (
            "DefaultEndpointsProtocol=https;AccountName=shop;AccountKey=k==;EndpointSuffix=core.windows.net",
            "https://shop.queue.core.windows.net",
        ),
    ],
)
def test_storage_is_found_in_every_form_of_connection(
    monkeypatch: pytest.MonkeyPatch, connection: str, endpoint: str
) -> None:
    monkeypatch.setenv("AzureWebJobsStorage", connection)

    assert queue_endpoint() == endpoint


def test_storage_by_identity_is_found_by_account_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AzureWebJobsStorage__accountName", "shop")

    assert queue_endpoint() == "https://shop.queue.core.windows.net"
