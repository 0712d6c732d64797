"""Orders end to end, over HTTP, on the whole system: how many per second, how long one takes, and what one costs."""

from __future__ import annotations

import json
import re
import sqlite3
import ssl
import statistics
import tempfile
import time
import urllib.request
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any

from localazure.durable.events import EventType
from localazure.testing import System

from bench.report import Measurement
from sandbox.client import Client, an_order
from sandbox.eventually import eventually

APP = Path(__file__).resolve().parent.parent
TENANT = "bench"
ORDERS = 160
ALONE = 30
COUNTED = 40
CALLERS = 8
WARM_UP = 16
QUIET_S = 3
SKUS = [f"BENCH-{number}" for number in range(8)]

UNTIL_CONFIRMED = frozenset({"place_order", "price_order", "reserve_stock", "assess_risk", "record_transition"})
"""The functions that ask the database for an order before it is confirmed."""

CHANGE_FEED = "Change feed"

_LOGGED = re.compile(r"action=(\w+) .*\bru=([\d.]+)")


def measure() -> list[Measurement]:
    """Two lines per order. Times are the server's own stamps, so that asking for the outcome costs nothing."""
    with tempfile.TemporaryDirectory(prefix="waybill-bench-") as folder, System(app=APP, state=Path(folder)) as system:
        token = system.token(tenant=TENANT, role="operator", subject="u-1")
        callers = [Client(system.endpoints["api"], token) for _ in range(CALLERS)]
        for sku in SKUS:
            callers[0].stock_up(sku, 10 * ORDERS)
        confirmed(callers[0], place(callers, WARM_UP))
        alone = [order for _ in range(ALONE) for order in confirmed(callers[0], place(callers[:1], 1))]
        together = confirmed(callers[0], place(callers, ORDERS))
        costs = measure_costs(system, callers)
    elapsed_s = seconds(min(o["placedAt"] for o in together), max(o["updatedAt"] for o in together))
    latencies_s = [seconds(order["placedAt"], order["updatedAt"]) for order in alone]
    return [
        Measurement("orders.throughput", ORDERS / elapsed_s, "orders/s"),
        Measurement("orders.placed_to_confirmed.p50", statistics.median(latencies_s), "s"),
        Measurement("orders.placed_to_confirmed.p99", statistics.quantiles(latencies_s, n=100)[98], "s"),
        *costs,
    ]


def measure_costs(system: System, callers: list[Client]) -> list[Measurement]:
    """What one order costs: of the database until it is confirmed, of everything until all is quiet, of the hub."""
    quiet(system)
    ask_database(system, "DELETE")
    log_before = len(system.log.read_text())
    order_ids = place(callers, COUNTED)
    for order_id in order_ids:
        wait_for_parcels(callers[0], order_id)
    quiet(system)
    spent = ask_database(system, "GET")["charges"]
    by_function: dict[str, float] = defaultdict(float)
    for function, ru in _LOGGED.findall(system.log.read_text()[log_before:]):
        by_function[function] += float(ru)
    background = [one for one in spent if one["container"] in ("views", "leases") or one["operation"] == CHANGE_FEED]
    booking = by_function["book_shipment"] + by_function["send_confirmation"]
    until_confirmed = sum(ru for function, ru in by_function.items() if function in UNTIL_CONFIRMED)
    return [
        Measurement("orders.ru_to_confirmed", until_confirmed / COUNTED, "RU", "<= 80"),
        Measurement("orders.ru_booking_and_mail", booking / COUNTED, "RU"),
        Measurement("orders.ru_views_and_feeds", sum(one["charge"] for one in background) / COUNTED, "RU"),
        Measurement("orders.storage_operations", sum(one["requests"] for one in spent) / COUNTED, "requests"),
        Measurement("orders.history_to_confirmed", history_events(system, order_ids[-1]), "events", "<= 40"),
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


def wait_for_parcels(caller: Client, order_id: str) -> None:
    """Until the order's saga ships; asking its workflow costs the database nothing."""

    def ships() -> bool:
        status = caller.get(f"/v1/workflows/fulfil:{TENANT}:{order_id}").json()["customStatus"]
        return bool(status) and status["stage"] == "shipping"

    eventually(ships, within_s=120, what=f"order {order_id} ships")


def quiet(system: System) -> None:
    """Wait until the database has been asked for nothing but news for a while."""
    unchanged_since, last = time.monotonic(), -1

    def is_quiet() -> bool:
        nonlocal unchanged_since, last
        asked = sum(
            one["requests"] for one in ask_database(system, "GET")["charges"] if one["operation"] != CHANGE_FEED
        )
        if asked != last:
            unchanged_since, last = time.monotonic(), asked
        return time.monotonic() - unchanged_since > QUIET_S

    eventually(is_quiet, within_s=120, what="a quiet database")


def ask_database(system: System, method: str) -> dict[str, Any]:
    """Read or clear what the database has counted."""
    trust = ssl.create_default_context(cafile=str(system.state / "tls/bundle.pem"))
    request = urllib.request.Request(f"{system.endpoints['cosmos']}_emulator/charges", method=method)
    with urllib.request.urlopen(request, context=trust, timeout=30) as answer:
        counted: dict[str, Any] = json.loads(answer.read() or "{}")
    return counted


def history_events(system: System, order_id: str) -> int:
    """How many events the order's saga has in its history up to its confirmation."""
    with sqlite3.connect(f"file:{system.state / 'hub.sqlite'}?mode=ro", uri=True) as hub:
        rows = hub.execute(
            "SELECT events FROM history WHERE instance_id = ? ORDER BY episode", (f"fulfil:{TENANT}:{order_id}",)
        ).fetchall()
    events = [event for row in rows for event in json.loads(f"[{row[0]}]")]
    return next(number for number, event in enumerate(events) if event["EventType"] == EventType.CHILD_CREATED)


def seconds(start: str, end: str) -> float:
    """Between two ISO 8601 times."""
    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
