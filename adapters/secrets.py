"""Secrets from Key Vault: kept 5 minutes, renewed in the background, kept for at most 1 hour while the vault is down.

A rotated secret therefore takes effect without a restart, within five minutes and one call.
"""

from __future__ import annotations

from functools import partial

from azure.core.exceptions import AzureError

from adapters import clients
from adapters.refreshing import Refreshing
from domain.errors import Transient

STRIPE_API_KEY = "stripe-api-key"
STRIPE_WEBHOOK_SECRET = "stripe-webhook-secret"  # noqa: S105  # the name of a secret, not a secret
SMTP_PASSWORD = "smtp-password"  # noqa: S105  # the name of a secret, not a secret

_FRESH_S = 5 * 60
_USABLE_S = 60 * 60

_secrets: dict[str, Refreshing[str]] = {}


async def secret(name: str) -> str:
    """The present value of a secret. Raises Transient when the vault does not answer and nothing usable is kept."""
    return await _kept(name).get()


async def renewed(name: str, *, not_within_s: float = 0) -> str:
    """The value as the vault has it now: for when the one we had has just been found not to fit. Raises Transient.

    One that was fetched less than `not_within_s` ago is taken for what the vault has now.
    """
    kept = _kept(name)
    return await (kept.get() if kept.age_s < not_within_s else kept.renew())


def forget_all() -> None:
    """Drop every kept value."""
    _secrets.clear()


def _kept(name: str) -> Refreshing[str]:
    if name not in _secrets:
        fetch = partial(_fetch, name)
        _secrets[name] = Refreshing(f"secret {name}", fetch, fresh_s=_FRESH_S, usable_s=_USABLE_S)
    return _secrets[name]


async def _fetch(name: str) -> str:
    vault = await clients.key_vault()
    try:
        value = (await vault.get_secret(name)).value
    except AzureError as error:
        raise Transient(f"Key Vault did not give secret {name}: {type(error).__name__}", retry_after_s=5) from error
    if not value:
        raise Transient(f"secret {name} is empty in Key Vault", retry_after_s=60)
    return value
