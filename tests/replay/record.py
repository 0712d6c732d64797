"""Records one history per path of `fulfil_order` into histories/: `.venv/bin/python -m tests.replay.record`.

Runs the whole system, plays the paths, stops it and reads the task hub. Record anew only together with a new version of
an orchestrator: a history that today's code no longer replays is what these files are there to catch.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import requests
from localazure.testing import System, read_hub

from sandbox.client import Client, an_order
from sandbox.eventually import eventually

HISTORIES = Path(__file__).parent / "histories"
APP = Path(__file__).resolve().parents[2]
SETTLED = ("confirmed", "rejected", "failed")
SILENT_S = 120


class Route(NamedTuple):
    """An order and the trouble at the payment provider, if any, that lead the saga along one path."""

    order: dict[str, Any]
    trouble: dict[str, Any] | None = None


def trouble(times: int, **action: Any) -> dict[str, Any]:
    return {"operation": "create_payment_intent", "times": times, "action": action}


PATHS = {
    "confirmed": Route(an_order("TEA", "MUG")),
    "confirmed_at_second_attempt": Route(an_order("TEA"), trouble(3, status=503)),
    "confirmed_by_lookup": Route(an_order("TEA"), trouble(100, drop="after")),
    "rejected_unknown_sku": Route(an_order("TEA", "NONE")),
    "rejected_currency_mismatch": Route(an_order("TEA", currency="USD")),
    "rejected_out_of_stock": Route(an_order("TEA", "MUG", quantity=50)),
    "rejected_payment_declined": Route(an_order("TEA", paymentMethod="pm_card_visa_chargeDeclined")),
    "failed_provider_down": Route(an_order("TEA"), trouble(100, status=503)),
}


def main() -> None:
    """Play every path and write its history."""
    with tempfile.TemporaryDirectory() as folder:
        system = System(app=APP, state=Path(folder) / "state")
        with system:
            instances = {name: play(system, path) for name, path in PATHS.items()}
        for name, history in zip(instances, read_hub(system.state / "hub.sqlite", instances.values()), strict=True):
            history.write(HISTORIES / f"{name}.json", without=(APP, sys.prefix, sys.base_prefix))


def play(system: System, path: Route) -> str:
    """Place the order and wait for the end of its instance; returns the instance id."""
    operator = Client(system.endpoints["api"], system.token(tenant="replay", role="operator", subject="u-1"))
    faults = f"{system.endpoints['payments']}/_sandbox/faults"
    for sku, on_hand in (("TEA", 60), ("MUG", 10)):
        operator.stock_up(sku, on_hand)
    if path.trouble:
        requests.post(faults, json=path.trouble, timeout=10).raise_for_status()
    placed = operator.post("/v1/orders", path.order).json()
    operator.order_in(placed["orderId"], *SETTLED, within_s=SILENT_S)
    status = placed["statusQueryGetUri"]
    eventually(lambda: operator.get(status).status_code == 200, within_s=SILENT_S, what=f"the end of {placed['id']}")
    requests.delete(faults, timeout=10).raise_for_status()
    return str(placed["id"])


if __name__ == "__main__":
    main()
