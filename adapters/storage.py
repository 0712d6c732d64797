"""The storage account of the host's queues and task hub: here only to say whether it answers."""

from __future__ import annotations

from aiohttp import ClientError

from adapters import clients
from adapters.settings import settings
from domain.errors import Transient

_EMULATOR = "http://127.0.0.1:10001/devstoreaccount1"


async def check() -> None:
    """Raises Transient unless the queue service answers at all; what it answers to a stranger does not matter."""
    session = await clients.http_session()
    try:
        async with session.get(f"{queue_endpoint()}/?comp=list") as answer:
            reachable = answer.status < 500
    except (ClientError, TimeoutError) as error:
        raise Transient(f"storage does not answer: {type(error).__name__}") from error
    if not reachable:
        raise Transient(f"storage answers {answer.status}")


def queue_endpoint() -> str:
    """The queue service behind the setting AzureWebJobsStorage, in whichever form it is given."""
    if settings().storage_account:
        return f"https://{settings().storage_account}.queue.core.windows.net"
    parts = dict(part.split("=", 1) for part in (settings().storage_connection or "").split(";") if "=" in part)
    if parts.get("UseDevelopmentStorage") == "true":
        return _EMULATOR
    protocol = parts.get("DefaultEndpointsProtocol", "https")
    suffix = parts.get("EndpointSuffix", "core.windows.net")
    return parts.get("QueueEndpoint") or f"{protocol}://{parts.get('AccountName')}.queue.{suffix}"
