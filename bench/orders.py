"""Orders per second from the first POST until the last order is confirmed, over HTTP, on the whole system."""

from __future__ import annotations

import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from localazure.testing import System

from bench.report import Measurement
from sandbox.client import Client, an_order

APP = Path(__file__).resolve().parent.parent
ORDERS = 120
CALLERS = 8
WARM_UP = 8
SKUS = [f"BENCH-{number}" for number in range(8)]


def measure() -> list[Measurement]:
    """Two lines per order, eight callers who each wait until their order is confirmed before they place the next."""
    with tempfile.TemporaryDirectory(prefix="waybill-bench-") as folder, System(app=APP, state=Path(folder)) as system:
        token = system.token(tenant="bench", role="operator", subject="u-1")
        callers = [Client(system.endpoints["api"], token) for _ in range(CALLERS)]
        for sku in SKUS:
            callers[0].stock_up(sku, 10 * ORDERS)
        place_and_follow(callers, WARM_UP)
        started = time.perf_counter()
        latencies_s = place_and_follow(callers, ORDERS)
        elapsed_s = time.perf_counter() - started
    return [
        Measurement("orders.throughput", ORDERS / elapsed_s, "orders/s"),
        Measurement("orders.post_to_confirmed.p50", statistics.median(latencies_s), "s"),
        Measurement("orders.post_to_confirmed.p99", statistics.quantiles(latencies_s, n=100)[98], "s"),
    ]


def place_and_follow(callers: list[Client], orders: int) -> list[float]:
    """Seconds from POST to `confirmed`, per order."""

    def one(number: int) -> float:
        caller = callers[number % len(callers)]
        started = time.perf_counter()
        order_id = caller.place(an_order(SKUS[number % 8], SKUS[(number + 3) % 8]))
        caller.order_in(order_id, "confirmed", within_s=120)
        return time.perf_counter() - started

    with ThreadPoolExecutor(len(callers)) as pool:
        return list(pool.map(one, range(orders)))
