"""The clients of other services: each built once per process, on first use.

The host imports every module to find the functions, so nothing may connect at import. What takes long to import
(identity, Key Vault, the payment provider's SDK) is imported where it is first needed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AsyncExitStack
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

import aiohttp
from azure.cosmos.aio import CosmosClient

from adapters import spending
from adapters.settings import SecretsCredential, settings

if TYPE_CHECKING:
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.keyvault.secrets.aio import SecretClient
    from stripe import AIOHTTPClient

T = TypeVar("T")

_COSMOS_READ_TIMEOUT_S = 15
_HTTP_TIMEOUT_S = 10

_building: dict[Callable[[], Any], asyncio.Future[Any]] = {}
_open = AsyncExitStack()


def once(build: Callable[[], Coroutine[Any, Any, T]]) -> Callable[[], Awaitable[T]]:
    """Make `build` run once, for the first caller; all share what it built. A failed attempt is not remembered."""

    @wraps(build)
    async def shared() -> T:
        if build not in _building:
            _building[build] = asyncio.ensure_future(build())
        future: asyncio.Future[T] = _building[build]
        try:
            return await asyncio.shield(future)
        except Exception:
            _building.pop(build, None)
            raise

    return shared


async def close_all() -> None:
    """Close every client; the next call builds a new one."""
    _building.clear()
    await _open.aclose()


@once
async def credential() -> AsyncTokenCredential:
    """Who the app is to Azure: its managed identity. One object per process, because the token cache is in it."""
    from azure.identity.aio import DefaultAzureCredential, ManagedIdentityCredential  # noqa: PLC0415  # slow to import

    if settings().secrets_credential is SecretsCredential.DEFAULT:
        return await _open.enter_async_context(DefaultAzureCredential())
    return await _open.enter_async_context(ManagedIdentityCredential(client_id=settings().identity_client_id))


@once
async def cosmos() -> CosmosClient:
    """The Cosmos DB account."""
    client = CosmosClient(
        settings().cosmos_endpoint,
        await credential(),
        read_timeout=_COSMOS_READ_TIMEOUT_S,
        raw_response_hook=spending.note,
    )
    return await _open.enter_async_context(client)


@once
async def key_vault() -> SecretClient:
    """The vault that holds every secret."""
    from azure.keyvault.secrets.aio import SecretClient  # noqa: PLC0415  # slow to import

    verify = settings().key_vault_verify_challenge
    client = SecretClient(settings().key_vault_url, await credential(), verify_challenge_resource=verify)
    return await _open.enter_async_context(client)


@once
async def http_session() -> aiohttp.ClientSession:
    """Plain HTTP, for the token issuer's keys and for health checks."""
    session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_HTTP_TIMEOUT_S))
    return await _open.enter_async_context(session)


@once
async def payments_http() -> AIOHTTPClient:
    """The connections to the payment provider; the API key, which may rotate, is given per call."""
    from stripe import AIOHTTPClient  # noqa: PLC0415  # slow to import

    client = AIOHTTPClient(timeout=aiohttp.ClientTimeout(total=settings().payments_timeout_s))
    _open.push_async_callback(client.close_async)
    return client
