"""The Functions host: HTTP against bare aiohttp, a queue trigger against a bare loop, and what idling costs.

Both sides of a ratio are measured in short rounds by turns and each figure is a median, so that whatever else the
machine does meets both. The host logs warnings only.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

from azure.storage.queue import QueueMessage
from azure.storage.queue.aio import QueueClient
from localazure.testing import System

from bench.processes import running
from bench.report import Measurement
from localazure.azurite import connection_string

ROOT = Path(__file__).resolve().parent.parent
HELLO = ROOT / "bench/apps/hello"
ROUNDS = 31
REQUESTS, CONNECTIONS = 1500, 32
MESSAGES, BATCH = 200, 16
SETTLED_AFTER_S, IDLE_S = 10.0, 20.0
QUEUE_ROUNDS = 5
LOOK_EVERY_S = 0.02


def measure() -> list[Measurement]:
    """Rates with their ratios, and the share of one core that an idle host takes."""
    with tempfile.TemporaryDirectory(prefix="waybill-bench-") as folder:
        with System(app=HELLO, state=Path(folder) / "hello") as system, running("bench.host_bare") as bare:
            figures = asyncio.run(_http(system.endpoints["host"], bare.url))
            figures += asyncio.run(_queue(system))
        with System(app=ROOT, state=Path(folder) / "waybill", reload=True) as system:
            figures.append(Measurement("host.idle_cpu", _idle_percent(system.pid("host")), "%", "<= 1"))
    return figures


async def _http(ours: str, bare: str) -> list[Measurement]:
    async def rate(url: str) -> float:
        started = time.perf_counter()
        await asyncio.gather(*(_ask(url, REQUESTS // CONNECTIONS) for _ in range(CONNECTIONS)))
        return REQUESTS // CONNECTIONS * CONNECTIONS / (time.perf_counter() - started)

    our_rate, bare_rate = await _medians(lambda: rate(ours), lambda: rate(bare), ROUNDS)
    return _compared("host.http", our_rate, bare_rate, "aiohttp", "requests/s")


async def _ask(url: str, count: int) -> None:
    """So many requests on one connection. Costs less than any HTTP client, so that the server is what is measured."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    for _ in range(count):
        writer.write(f"GET /api/hello?name=you HTTP/1.1\r\nHost: {address.netloc}\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length: ")[2].partition(b"\r\n")[0])
        body = await reader.readexactly(length)
        if not head.startswith(b"http/1.1 200") or body != b"Hello you":
            raise RuntimeError(f"{url} answered {head!r} {body!r}")
    writer.close()
    await writer.wait_closed()


async def _queue(system: System) -> list[Measurement]:
    connection = connection_string(system.endpoints)
    host = system.endpoints["host"]
    async with (
        QueueClient.from_connection_string(connection, "drained") as triggered,
        QueueClient.from_connection_string(connection, "bare") as bare,
    ):

        async def by_host() -> float:
            await _admin(host, "drain")
            await _fill(triggered)
            started = time.perf_counter()
            await _admin(host, "resume")
            await _emptied(triggered)
            return MESSAGES / (time.perf_counter() - started)

        async def by_loop() -> float:
            await _fill(bare)
            started = time.perf_counter()
            while messages := await _received(bare):
                await asyncio.gather(*(bare.delete_message(each) for each in messages))
            return MESSAGES / (time.perf_counter() - started)

        our_rate, bare_rate = await _medians(by_host, by_loop, QUEUE_ROUNDS)
    return _compared("host.queue", our_rate, bare_rate, "bare_loop", "messages/s")


async def _emptied(queue: QueueClient) -> None:
    """Wait until no message is left, not even a hidden one."""
    count: int | None = None
    while count != 0:
        await asyncio.sleep(LOOK_EVERY_S)
        count = (await queue.get_queue_properties()).approximate_message_count


async def _received(queue: QueueClient) -> list[QueueMessage]:
    return [message async for message in queue.receive_messages(messages_per_page=BATCH, max_messages=BATCH)]


async def _fill(queue: QueueClient) -> None:
    await asyncio.gather(*(queue.send_message("aGVsbG8=") for _ in range(MESSAGES)))


async def _admin(host: str, action: str) -> None:
    request = urllib.request.Request(f"{host}/admin/host/{action}", method="POST")
    await asyncio.to_thread(lambda: urllib.request.urlopen(request).close())


async def _medians(
    ours: Callable[[], Awaitable[float]], bare: Callable[[], Awaitable[float]], rounds: int
) -> tuple[float, float]:
    """Of both, measured by turns, after one round that opens connections and fills caches."""
    rates = [(await ours(), await bare()) for _ in range(rounds + 1)][1:]
    return statistics.median(rate for rate, _ in rates), statistics.median(rate for _, rate in rates)


def _compared(name: str, ours: float, bare: float, other: str, unit: str) -> list[Measurement]:
    return [
        Measurement(name, ours, unit),
        Measurement(f"{name}.{other}", bare, unit),
        Measurement(f"{name}.to_{other}", ours / bare, "ratio", ">= 0.5"),
    ]


def _idle_percent(pid: int) -> float:
    time.sleep(SETTLED_AFTER_S)
    before = _cpu_s(pid)
    time.sleep(IDLE_S)
    return (_cpu_s(pid) - before) / IDLE_S * 100


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
