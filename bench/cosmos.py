"""The Cosmos DB emulator against servers that do nothing but answer, and with much data.

The official clients cost about a millisecond per call themselves, so what the emulator adds is told by a ratio: their
rate against the emulator, and against a stub that replays one of its answers. Bare requests, which cost little, are
compared with an echo. Both sides of a ratio are measured in short rounds by turns and each figure is a median, so that
whatever else the machine does meets both.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from azure.cosmos import CosmosClient, PartitionKey
from localazure.cosmos.options import EMULATOR_KEY

from bench import cosmos_volume
from bench.cosmos_calls import (
    BODY,
    CONTAINER,
    DATABASE,
    DOCUMENT,
    IN_FLIGHT,
    ITEM,
    ITEMS,
    AioCaller,
    Caller,
    RawCaller,
    SyncCaller,
    signed,
)
from bench.processes import running
from bench.report import Measurement

ROUNDS = 31
RECORDED = (
    ("GET", "/", None),
    ("GET", f"/dbs/{DATABASE}/colls/{CONTAINER}/", None),
    ("GET", f"/dbs/{DATABASE}/colls/{CONTAINER}/pkranges/", None),
    ("GET", ITEM, None),
    ("POST", ITEMS, BODY),
)
HOP_BY_HOP = {"connection", "content-length", "date", "server"}


@dataclass(frozen=True)
class Contest:
    """What the emulator is compared with, by how many calls per round, and what ratio it must reach."""

    other: str
    calls: int
    goals: Mapping[str, str]


AGAINST_STUB = Contest("stub", 64, {"read": ">= 0.80", "upsert": ">= 0.70"})
AGAINST_ECHO = Contest("echo", 480, {"read": ">= 0.45", "upsert": ">= 0.30"})


def measure() -> list[Measurement]:
    """Calls per second and their ratios, then times and memory with much data."""
    with tempfile.TemporaryDirectory(prefix="waybill-bench-") as name:
        return [*_rates(Path(name)), *cosmos_volume.measure(Path(name))]


def _rates(folder: Path) -> list[Measurement]:
    with ExitStack() as stack:
        data, recording = folder / "cosmos.sqlite", folder / "recording.json"
        emulator = stack.enter_context(running("localazure.cosmos", "--port", "0", "--data", str(data)))
        recording.write_text(json.dumps(_record(emulator.url)))
        stub = stack.enter_context(running("bench.canned", str(recording)))
        echo = stack.enter_context(running("bench.canned"))
        loop = stack.enter_context(asyncio.Runner())
        clients: dict[str, Callable[[str], Caller]] = {
            "sync": SyncCaller,
            "aio": lambda url: AioCaller(url, loop, in_flight=1),
            f"aio_{IN_FLIGHT}": lambda url: AioCaller(url, loop, IN_FLIGHT),
        }
        figures = []
        for name, connect in clients.items():
            with closing(connect(emulator.url)) as ours, closing(connect(stub.url)) as ceiling:
                figures += _compared(f"cosmos.sdk_{name}", ours, ceiling, AGAINST_STUB)
        with closing(RawCaller(emulator.url, loop)) as ours, closing(RawCaller(echo.url, loop)) as ceiling:
            figures += _compared(f"cosmos.raw_{IN_FLIGHT}", ours, ceiling, AGAINST_ECHO)
    return figures


def _compared(name: str, ours: Caller, ceiling: Caller, contest: Contest) -> list[Measurement]:
    figures = []
    for operation, goal in contest.goals.items():
        sides = [getattr(caller, operation) for caller in (ours, ceiling)]
        for side in sides:
            side(contest.calls)  # connections are opened, caches filled
        rates = [[_rate(side, contest.calls) for side in sides] for _ in range(ROUNDS)]
        our_rate, ceiling_rate = map(statistics.median, zip(*rates, strict=True))
        figures += [
            Measurement(f"{name}.{operation}", our_rate, "calls/s"),
            Measurement(f"{name}.{operation}.{contest.other}", ceiling_rate, "calls/s"),
            Measurement(f"{name}.{operation}.to_{contest.other}", our_rate / ceiling_rate, "ratio", goal),
        ]
    return figures


def _rate(calls_of: Callable[[int], None], calls: int) -> float:
    started = time.perf_counter()
    calls_of(calls)
    return calls / (time.perf_counter() - started)


def _record(url: str) -> dict[str, Any]:
    """What the emulator says to all that a client asks for before and while it reads and upserts the document."""
    with CosmosClient(url, EMULATOR_KEY) as client:
        client.create_database(DATABASE).create_container(CONTAINER, PartitionKey("/pk")).create_item(DOCUMENT)
    return {f"{method} {path}": _said(url, method, path, body) for method, path, body in RECORDED}


def _said(url: str, method: str, path: str, body: bytes | None) -> tuple[int, dict[str, str], str]:
    headers = {"x-ms-documentdb-partitionkey": '["p"]', "x-ms-documentdb-is-upsert": "True", **signed(method, path)}
    request = urllib.request.Request(url + path, data=body, headers=headers, method=method)
    with urllib.request.urlopen(request) as answer:
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
        return answer.status, kept, answer.read().decode()
