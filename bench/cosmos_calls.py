"""Point reads and upserts of one document: by the official clients, and as bare signed requests.

Every caller has `read(count)` and `upsert(count)`, which make so many calls, and `close()`.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from email.utils import formatdate
from typing import Any, Protocol
from urllib.parse import quote

import aiohttp
from azure.cosmos import CosmosClient
from azure.cosmos.aio import CosmosClient as AioCosmosClient
from localazure.cosmos.addressing import parse_address
from localazure.cosmos.auth import signed_text
from localazure.cosmos.options import EMULATOR_KEY

from bench.canned import SIZE_HEADER

DATABASE, CONTAINER = "bench", "items"
DOCUMENT = {"id": "d-1", "pk": "p", "text": "x" * 1000, "count": 7, "tags": ["a", "b"], "nested": {"flag": True}}
BODY = json.dumps(DOCUMENT).encode()
ITEMS = f"/dbs/{DATABASE}/colls/{CONTAINER}/docs/"
ITEM = f"{ITEMS}{DOCUMENT['id']}/"
IN_FLIGHT = 32


class Caller(Protocol):
    """One way to call a server."""

    def read(self, count: int) -> None: ...
    def upsert(self, count: int) -> None: ...
    def close(self) -> None: ...


class SyncCaller:
    """The synchronous client, one call after the other."""

    def __init__(self, url: str) -> None:
        self._client = CosmosClient(url, EMULATOR_KEY, enable_endpoint_discovery=False)
        self._container = self._client.get_database_client(DATABASE).get_container_client(CONTAINER)

    def read(self, count: int) -> None:
        for _ in range(count):
            self._container.read_item("d-1", "p")

    def upsert(self, count: int) -> None:
        for _ in range(count):
            self._container.upsert_item(DOCUMENT)

    def close(self) -> None:
        self._client.close()


class AioCaller:
    """The asynchronous client, with so many calls in flight."""

    def __init__(self, url: str, runner: asyncio.Runner, in_flight: int) -> None:
        self._runner = runner
        self._in_flight = in_flight
        self._client = AioCosmosClient(url, EMULATOR_KEY, enable_endpoint_discovery=False)
        runner.run(self._client.__aenter__())
        self._container = self._client.get_database_client(DATABASE).get_container_client(CONTAINER)

    def read(self, count: int) -> None:
        self._runner.run(repeated(count, self._in_flight, lambda: self._container.read_item("d-1", "p")))

    def upsert(self, count: int) -> None:
        self._runner.run(repeated(count, self._in_flight, lambda: self._container.upsert_item(DOCUMENT)))

    def close(self) -> None:
        self._runner.run(self._client.close())


class RawCaller:
    """Bare requests, 32 in flight, each with a signature of its own."""

    def __init__(self, url: str, runner: asyncio.Runner) -> None:
        self._runner = runner
        self._session = runner.run(_session(url))

    def read(self, count: int) -> None:
        self._runner.run(
            repeated(count, IN_FLIGHT, lambda: self._call("GET", ITEM, None, {SIZE_HEADER: str(len(BODY))}))
        )

    def upsert(self, count: int) -> None:
        self._runner.run(
            repeated(count, IN_FLIGHT, lambda: self._call("POST", ITEMS, BODY, {"x-ms-documentdb-is-upsert": "True"}))
        )

    async def _call(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> None:
        given = {**headers, **signed(method, path), "x-ms-documentdb-partitionkey": '["p"]'}
        async with self._session.request(method, path, data=body, headers=given) as answer:
            await answer.read()
            answer.raise_for_status()

    def close(self) -> None:
        self._runner.run(self._session.close())


def signed(method: str, path: str) -> dict[str, str]:
    """The headers that a request must have."""
    date = formatdate(usegmt=True)
    text = signed_text(method, parse_address(path), date).encode()
    signature = base64.b64encode(hmac.digest(base64.b64decode(EMULATOR_KEY), text, hashlib.sha256)).decode()
    return {"authorization": quote(f"type=master&ver=1.0&sig={signature}"), "x-ms-date": date}


async def repeated(count: int, in_flight: int, call: Callable[[], Awaitable[Any]]) -> None:
    """Make so many calls, so many of them at once."""
    left = iter(range(count))

    async def one_after_the_other() -> None:
        for _ in left:
            await call()

    async with asyncio.TaskGroup() as group:
        for _ in range(in_flight):
            group.create_task(one_after_the_other())


async def _session(url: str) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(url, connector=aiohttp.TCPConnector(limit=IN_FLIGHT))
