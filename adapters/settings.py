"""All settings, read in one place and checked at start, with every problem named at once.

Nothing here is secret: secrets are fetched from Key Vault when they are needed (`adapters/secrets.py`).
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import Annotated

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

HttpsUrl = Annotated[str, Field(pattern="^https://[^/]+")]
HttpUrl = Annotated[str, Field(pattern="^https?://[^/]+")]
MailAddress = Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")]


class SecretsCredential(StrEnum):
    """How the app proves who it is to Azure."""

    MANAGED = "managed"
    DEFAULT = "default"


class SettingsError(Exception):
    """Settings are missing or wrong; the text names each of them, and no values."""


class Settings(BaseSettings):
    """The app's settings under the names they have in `local.settings.json` and in the cloud."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    cosmos_endpoint: HttpsUrl = Field(alias="COSMOS__accountEndpoint")
    cosmos_database: str = Field(alias="COSMOS_DATABASE", min_length=1)
    storage_connection: str | None = Field(None, alias="AzureWebJobsStorage")
    storage_account: str | None = Field(None, alias="AzureWebJobsStorage__accountName")

    key_vault_url: HttpsUrl = Field(alias="KEY_VAULT_URL")
    key_vault_verify_challenge: bool = Field(True, alias="KEY_VAULT_VERIFY_CHALLENGE")
    secrets_credential: SecretsCredential = Field(SecretsCredential.MANAGED, alias="SECRETS_CREDENTIAL")
    identity_client_id: str | None = Field(None, alias="AZURE_CLIENT_ID")

    auth_issuer: HttpsUrl = Field(alias="AUTH_ISSUER")
    auth_audience: str = Field(alias="AUTH_AUDIENCE", min_length=1)
    auth_tenant_claim: str = Field("tid", alias="AUTH_TENANT_CLAIM", min_length=1)

    payments_api_url: HttpUrl | None = Field(None, alias="PAYMENTS_API_URL")
    payments_timeout_s: float = Field(10, alias="PAYMENTS_TIMEOUT_SECONDS", gt=0)

    smtp_host: str = Field(alias="SMTP_HOST", min_length=1)
    smtp_port: int = Field(alias="SMTP_PORT", ge=1, le=65535)
    smtp_username: str | None = Field(None, alias="SMTP_USERNAME")
    mail_from: MailAddress = Field(alias="MAIL_FROM")
    mail_merchant_address: MailAddress = Field(alias="MAIL_MERCHANT_ADDRESS")

    reservation_minutes: int = Field(30, alias="RESERVATION_MINUTES", ge=1)


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process. Raises SettingsError."""
    try:
        return Settings.model_validate({})
    except ValidationError as found:
        problems = "; ".join(f"{error['loc'][0]}: {error['msg']}" for error in found.errors())
        raise SettingsError(f"settings to correct: {problems}") from None
