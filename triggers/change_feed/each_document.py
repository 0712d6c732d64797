"""Handling a batch of changed documents one by one, so that one bad document costs only itself."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime

from adapters import dead_letters
from adapters.dead_letters import DeadLetter
from adapters.durable import DurableClient
from adapters.logs import log
from domain.errors import Transient
from domain.shapes import JsonObject

Handle = Callable[[DurableClient, JsonObject], Awaitable[None]]
"""What a follower does with one document."""


async def each_document(
    source: str,
    documents: Iterable[JsonObject],
    handle: Callable[[JsonObject], Awaitable[None]],
    container: str = "orders",
) -> None:
    """Handle each document; park one that fails for its own fault. Raises Transient when a service is down."""
    for document in documents:
        try:
            await handle(document)
        except Transient:
            raise
        except Exception as error:  # noqa: BLE001  # whatever is wrong with one document must not stop the others
            await _park(source, container, document, error)


async def _park(source: str, container: str, document: JsonObject, error: Exception) -> None:
    tenant_id, item_id = document["tenantId"], document["id"]
    letter = DeadLetter(
        letter_id=f"{source}:{item_id}:{document.get('_lsn')}",
        source=source,
        order_id=document.get("orderId"),
        payload={"container": container, "id": item_id, "_lsn": document.get("_lsn")},
        reason=f"{type(error).__name__}: {error}",
        correlation_id=document.get("correlationId"),
        at=datetime.now(UTC),
    )
    log(source, level=logging.ERROR, error=error, tenant=tenant_id, document=item_id, outcome="parked")
    await dead_letters.park(tenant_id, letter)
