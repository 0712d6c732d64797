"""The Cosmos DB emulator with much data: how fast it is read back, and what memory it takes."""

from __future__ import annotations

import asyncio
import itertools
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from azure.cosmos import ContainerProxy, CosmosClient, PartitionKey
from localazure.cosmos.options import EMULATOR_KEY

from bench.cosmos_calls import repeated, signed
from bench.processes import Running, running
from bench.report import Measurement

DOCUMENTS = 100_000
KINDS = 100
LARGE_DOCUMENTS = 10_000
LARGE_SIZE = 100_000
MEMORY_GOAL = "<= 300"
PROC = Path("/proc")
LOADERS = 4
PAGE = 1000
KIB_PER_MIB = 1024

Batch = tuple[str, list[dict[str, Any]]]
Result = TypeVar("Result")


def measure(folder: Path) -> list[Measurement]:
    """100,000 small documents drained and filtered, and 1 GB of large ones in and out."""
    memory = _large(folder / "large.sqlite") if PROC.exists() else []  # only Linux remembers the peak of a process
    return [*_many(folder / "many.sqlite"), *memory]


def _many(data: Path) -> list[Measurement]:
    with running("localazure.cosmos", "--port", "0", "--data", str(data)) as server, _client(server) as client:
        container = _filled(client, server, DOCUMENTS, "x" * 200, batch=100)
        drained_s, drained = _timed(lambda: _drain(container))
        first_s, _ = _timed(lambda: _filtered(container, 7))
        again_s, (rows, examined) = _timed(lambda: _filtered(container, 8))
    if drained != DOCUMENTS or rows != DOCUMENTS // KINDS:
        raise RuntimeError(f"{drained} documents drained, {rows} filtered")
    return [
        Measurement("cosmos.change_feed.drain_100k", drained_s, "s"),
        Measurement("cosmos.change_feed.throughput", drained / drained_s, "docs/s"),
        Measurement("cosmos.query.filter_100k.first", first_s, "s"),
        Measurement("cosmos.query.filter_100k", again_s, "s"),
        Measurement("cosmos.query.filter_100k.throughput", rows / again_s, "docs/s"),
        Measurement("cosmos.query.filter_100k.examined_per_row", examined / rows, "docs", "<= 1"),
    ]


def _large(data: Path) -> list[Measurement]:
    with running("localazure.cosmos", "--port", "0", "--data", str(data)) as server, _client(server) as client:
        container = _filled(client, server, LARGE_DOCUMENTS, "x" * LARGE_SIZE, batch=10)
        loaded = peak_mib(server)
        for number in range(0, LARGE_DOCUMENTS, 50):
            container.read_item(str(number), str(number // 10))
        pages = container.query_items(
            "SELECT * FROM c", enable_cross_partition_query=True, max_item_count=100
        ).by_page()
        for page in itertools.islice(pages, 10):
            list(page)
        _filtered(container, 7)
        _drain(container)
        return [
            Measurement("cosmos.memory.peak_loading_1gb", loaded, "MiB", MEMORY_GOAL),
            Measurement("cosmos.memory.peak_reading_1gb", peak_mib(server), "MiB", MEMORY_GOAL),
        ]


def peak_mib(server: Running) -> float:
    """The most memory that a process ever had (resident set), as Linux counts it."""
    status = (PROC / f"{server.pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / KIB_PER_MIB


def _client(server: Running) -> CosmosClient:
    return CosmosClient(server.url, EMULATOR_KEY)


def _filled(client: CosmosClient, server: Running, count: int, text: str, batch: int) -> ContainerProxy:
    """A container with so many documents, written by batches."""
    container = client.create_database("volume").create_container("items", PartitionKey("/pk"))
    asyncio.run(_load(server.url, _batches(count, text, batch), count // batch))
    return container


def _batches(count: int, text: str, size: int) -> Iterator[Batch]:
    for number in range(0, count, size):
        key = str(number // size)
        yield key, [{"id": str(n), "pk": key, "kind": n % KINDS, "text": text} for n in range(number, number + size)]


async def _load(url: str, batches: Iterator[Batch], count: int) -> None:
    path = "/dbs/volume/colls/items/docs/"
    async with aiohttp.ClientSession(url) as session:

        async def one() -> None:
            key, documents = next(batches)
            body = json.dumps([{"operationType": "Create", "resourceBody": document} for document in documents])
            headers = {"x-ms-cosmos-is-batch-request": "True", "x-ms-documentdb-partitionkey": json.dumps([key])}
            async with session.post(path, data=body, headers={**headers, **signed("POST", path)}) as answer:
                await answer.read()
                answer.raise_for_status()

        await repeated(count, LOADERS, one)


def _drain(container: ContainerProxy) -> int:
    return sum(1 for _ in container.query_items_change_feed(start_time="Beginning", max_item_count=PAGE))


def _filtered(container: ContainerProxy, kind: int) -> tuple[int, int]:
    """How many documents there are of a kind, and how many the emulator looked at to find them."""
    examined = 0

    def add(headers: Any, _page: Any) -> None:
        nonlocal examined
        metrics = dict(part.split("=") for part in headers["x-ms-documentdb-query-metrics"].split(";"))
        examined += int(metrics["retrievedDocumentCount"])

    rows = container.query_items(
        "SELECT * FROM c WHERE c.kind = @kind",
        parameters=[{"name": "@kind", "value": kind}],
        enable_cross_partition_query=True,
        populate_query_metrics=True,
        max_item_count=PAGE,
        response_hook=add,
    )
    return sum(1 for _ in rows), examined


def _timed(work: Callable[[], Result]) -> tuple[float, Result]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result
