"""Orders end to end, over HTTP, on the whole system: how many per second, and how long one takes."""

from __future__ import annotations

import statistics
import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

from localazure.testing import System

from bench.report import Measurement
from sandbox.client import Client, an_order

APP = Path(__file__).resolve().parent.parent
ORDERS = 160
ALONE = 30
CALLERS = 8
WARM_UP = 16
SKUS = [f"BENCH-{number}" for number in range(8)]


def measure() -> list[Measurement]:
    """Two lines per order. Times are the server's own stamps, so that asking for the outcome costs nothing."""
    with tempfile.TemporaryDirectory(prefix="waybill-bench-") as folder, System(app=APP, state=Path(folder)) as system:
        token = system.token(tenant="bench", role="operator", subject="u-1")
        callers = [Client(system.endpoints["api"], token) for _ in range(CALLERS)]
        for sku in SKUS:
            callers[0].stock_up(sku, 10 * ORDERS)
        confirmed(callers[0], place(callers, WARM_UP))
        alone = [order for _ in range(ALONE) for order in confirmed(callers[0], place(callers[:1], 1))]
        together = confirmed(callers[0], place(callers, ORDERS))
    elapsed_s = seconds(min(o["placedAt"] for o in together), max(o["updatedAt"] for o in together))
    latencies_s = [seconds(order["placedAt"], order["updatedAt"]) for order in alone]
    return [
        Measurement("orders.throughput", ORDERS / elapsed_s, "orders/s"),
        Measurement("orders.placed_to_confirmed.p50", statistics.median(latencies_s), "s"),
        Measurement("orders.placed_to_confirmed.p99", statistics.quantiles(latencies_s, n=100)[98], "s"),
    ]


def place(callers: list[Client], orders: int) -> list[str]:
    """Place orders by all callers at once; their ids."""

    def one(number: int) -> str:
        return callers[number % len(callers)].place(an_order(SKUS[number % 8], SKUS[(number + 3) % 8]))

    with ThreadPoolExecutor(len(callers)) as pool:
        return list(pool.map(one, range(orders)))


def confirmed(caller: Client, order_ids: list[str]) -> list[dict[str, Any]]:
    """The orders, once the last of them is confirmed."""
    for order_id in reversed(order_ids):
        caller.order_in(order_id, "confirmed", within_s=120)
    return [caller.order(order_id) for order_id in order_ids]


def seconds(start: str, end: str) -> float:
    """Between two ISO 8601 times."""
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
