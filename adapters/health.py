"""Whether the services that every order needs answer."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from adapters import secrets, storage
from adapters.cosmos import Container
from domain.errors import WaybillError

_PATIENCE_S = 5


async def faults() -> dict[str, str | None]:
    """What is wrong with each service, by its name; None for one that is well. Raises nothing."""
    checks: dict[str, Awaitable[object]] = {
        "cosmos": Container("orders").check(),
        "storage": storage.check(),
        "keyVault": secrets.renewed(secrets.STRIPE_API_KEY),
    }
    found = await asyncio.gather(*(_fault(check) for check in checks.values()))
    return dict(zip(checks, found, strict=True))


async def _fault(check: Awaitable[object]) -> str | None:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await check
    except TimeoutError:
        return f"no answer within {_PATIENCE_S} s"
    except WaybillError as error:
        return str(error)
    return None
