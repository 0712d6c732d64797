"""Records one history per path of each orchestrator into histories/: `.venv/bin/python -m tests.replay.record`.

Runs the whole system, plays the paths, stops it and reads the task hub. Record anew only together with a new version of
an orchestrator: a history that today's code no longer replays is what these files are there to catch.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import requests
from localazure.testing import System, read_hub

from domain import names
from sandbox.client import Client, an_order, expect
from sandbox.eventually import eventually

HISTORIES = Path(__file__).parent / "histories"
APP = Path(__file__).resolve().parents[2]
SILENT_S = 120


Then = Callable[[Client, str], None]


def deliver(operator: Client, order_id: str) -> None:
    """What happens to most orders that are confirmed."""
    operator.order_in(order_id, "confirmed", within_s=SILENT_S)
    operator.deliver(order_id)


def lose(operator: Client, order_id: str) -> None:
    [parcel] = operator.parcels(order_id)
    for status in ("shipped", "lost"):
        operator.report(order_id, parcel["shipmentId"], status)
    operator.order_in(order_id, "failed")


def send_back(operator: Client, order_id: str) -> None:
    deliver(operator, order_id)
    wish = {"lines": [{"sku": "TEA", "quantity": 1}], "reason": "too much tea"}
    returned = expect(operator.post(f"/v1/orders/{order_id}/returns", wish), 202)
    expect(operator.post(f"/v1/returns/{returned['returnId']}/events", {"status": "received"}), 202)
    operator.order_in(order_id, "returned")


def cancel(operator: Client, order_id: str) -> None:
    operator.parcels(order_id)
    expect(operator.post(f"/v1/orders/{order_id}/cancel", {"note": "changed my mind"}), 202)
    operator.order_in(order_id, "cancelled")


def decide(*, approved: bool) -> Then:
    def then(operator: Client, order_id: str) -> None:
        operator.order_in(order_id, "awaiting_approval")
        expect(operator.post(f"/v1/orders/{order_id}/approval", {"approved": approved}), 202)
        if approved:
            deliver(operator, order_id)

    return then


def let_be(operator: Client, order_id: str) -> None:
    operator.order_in(order_id, "rejected", "failed", within_s=SILENT_S)


class Route(NamedTuple):
    """An order, the trouble at the payment provider, if any, and what people do, that lead along one path."""

    order: dict[str, Any]
    then: Then = let_be
    trouble: dict[str, Any] | None = None


def trouble(times: int, **action: Any) -> dict[str, Any]:
    return {"operation": "create_payment_intent", "times": times, "action": action}


PATHS = {
    "delivered": Route(an_order("TEA", "MUG"), deliver),
    "delivered_at_second_attempt": Route(an_order("TEA"), deliver, trouble(3, status=503)),
    "delivered_by_lookup": Route(an_order("TEA"), deliver, trouble(100, drop="after")),
    "delivered_once_approved": Route(an_order("TEA", quantity=90), decide(approved=True)),
    "returned": Route(an_order("TEA"), send_back),
    "failed_lost": Route(an_order("TEA"), lose),
    "cancelled_after_confirmation": Route(an_order("TEA"), cancel),
    "rejected_approval_denied": Route(an_order("TEA", quantity=90), decide(approved=False)),
    "rejected_unknown_sku": Route(an_order("TEA", "NONE")),
    "rejected_currency_mismatch": Route(an_order("TEA", currency="USD")),
    "rejected_out_of_stock": Route(an_order("TEA", "MUG", quantity=9000)),
    "rejected_payment_declined": Route(an_order("TEA", paymentMethod="pm_card_visa_chargeDeclined")),
}


def main() -> None:
    """Play every path and write the histories of all instances that took part in it."""
    with tempfile.TemporaryDirectory() as folder:
        system = System(app=APP, state=Path(folder) / "state")
        with system:
            instances = {file: instance for name, path in PATHS.items() for file, instance in play(system, name, path)}
        for name, history in zip(instances, read_hub(system.state / "hub.sqlite", instances.values()), strict=True):
            history.write(HISTORIES / f"{name}.json", without=(APP, sys.prefix, sys.base_prefix))


def play(system: System, name: str, path: Route) -> Iterator[tuple[str, str]]:
    """Place the order and wait for the end of its instances; their files' names and ids."""
    operator = Client(
        system.endpoints["api"], system.token(tenant="replay", role=("operator", "approver"), subject="u-1")
    )
    faults = f"{system.endpoints['payments']}/_sandbox/faults"
    for sku in ("TEA", "MUG"):
        operator.stock_up(sku, 200)
    if path.trouble:
        requests.post(faults, json=path.trouble, timeout=10).raise_for_status()
    order_id = operator.place(path.order)
    path.then(operator, order_id)
    requests.delete(faults, timeout=10).raise_for_status()
    shipments = [parcel["shipmentId"] for parcel in operator.order(order_id)["shipments"]]
    returns = [item["subject"] for item in operator.timeline(order_id) if item["type"] == "return_requested"]
    yield from _ended(operator, f"fulfil_order.{name}", names.fulfil_instance_id("replay", order_id))
    for shipment_id in shipments:
        yield from _ended(operator, f"ship_parcel.{name}", names.ship_instance_id("replay", order_id, shipment_id))
    for return_id in returns:
        yield from _ended(operator, f"return_order.{name}", names.return_instance_id("replay", order_id, return_id))


def _ended(operator: Client, file: str, instance_id: str) -> Iterator[tuple[str, str]]:
    status = f"/v1/workflows/{instance_id}"
    eventually(lambda: operator.get(status).status_code == 200, within_s=SILENT_S, what=f"the end of {instance_id}")
    yield file, instance_id


if __name__ == "__main__":
    main()
