"""Records one history per path of each orchestrator into histories/.

    .venv/bin/python -m tests.replay.record [PATH ...]

Runs the whole system, plays the paths (those that are named, else all), stops it and reads the task hub. Paths that
take hours or days are recorded in a hub whose clock is set forward (`by_clock`). Record anew only together with a new
version of an orchestrator: a history that today's code no longer replays is what these files are there to catch.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from localazure.testing import System, read_hub

from domain import names
from sandbox.client import Client, an_order, expect
from sandbox.eventually import eventually
from tests.e2e.faults import Fault
from tests.replay import by_clock

HISTORIES = Path(__file__).parent / "histories"
APP = Path(__file__).resolve().parents[2]
SILENT_S = 120
CATALOGUE = (("TEA", "berlin", 200), ("MUG", "berlin", 200), ("POT", "hamburg", 1))

Then = Callable[[Client, str], None]


def deliver(operator: Client, order_id: str) -> None:
    """What happens to most orders that are confirmed."""
    operator.order_in(order_id, "confirmed", within_s=SILENT_S)
    shipments = {line["warehouse"] for line in operator.order(order_id)["lines"] if line["status"] != "cancelled"}
    operator.deliver(order_id, len(shipments))


def lose(operator: Client, order_id: str) -> None:
    [parcel] = operator.parcels(order_id)
    for status in ("shipped", "lost"):
        operator.report(order_id, parcel["shipmentId"], status)
    operator.order_in(order_id, "failed")


def lose_one_of_two(operator: Client, order_id: str) -> None:
    for parcel, end in zip(operator.parcels(order_id, 2), ("delivered", "lost"), strict=True):
        for status in ("shipped", end):
            operator.report(order_id, parcel["shipmentId"], status)
    operator.order_in(order_id, "delivered")


def send_back(word: str) -> Then:
    def then(operator: Client, order_id: str) -> None:
        deliver(operator, order_id)
        return_id = operator.send_back(order_id, "TEA", 1, "too much tea")
        operator.tell(f"/v1/returns/{return_id}/events", {"status": word})
        operator.happened(order_id, f"return_{word}")

    return then


def cancel(after: str) -> Then:
    def then(operator: Client, order_id: str) -> None:
        operator.order_in(order_id, after)
        if after == "confirmed":
            operator.parcels(order_id)
        operator.tell(f"/v1/orders/{order_id}/cancel", {"note": "changed my mind"})
        operator.order_in(order_id, "cancelled")

    return then


def decide(*, approved: bool) -> Then:
    def then(operator: Client, order_id: str) -> None:
        operator.order_in(order_id, "awaiting_approval")
        operator.tell(f"/v1/orders/{order_id}/approval", {"approved": approved})
        if approved:
            deliver(operator, order_id)

    return then


def answer(afterwards: Then, **decision: Any) -> Then:
    def then(operator: Client, order_id: str) -> None:
        operator.happened(order_id, "short")
        operator.tell(f"/v1/orders/{order_id}/shortage", decision)
        afterwards(operator, order_id)

    return then


def let_be(operator: Client, order_id: str) -> None:
    operator.order_in(order_id, "rejected", "cancelled", "failed", within_s=SILENT_S)


def wait_for_attention(operator: Client, order_id: str) -> None:
    operator.happened(order_id, "needs_attention", within_s=SILENT_S)


def replay(operator: Client, order_id: str) -> None:
    letters = operator.dead_letters(order_id)
    operator.tell(f"/v1/dead-letters/{letters[0]['letterId']}/replay")
    operator.order_in(order_id, "failed", within_s=SILENT_S)


class Trouble(NamedTuple):
    """A rule by which a part of the system misbehaves."""

    part: str
    rule: dict[str, Any]


class Route(NamedTuple):
    """An order, what people do while there is trouble and afterwards, and what the tenant has decided."""

    order: dict[str, Any]
    then: Then = let_be
    trouble: Trouble | None = None
    afterwards: Then | None = None
    settings: dict[str, Any] | None = None


def charging(times: int, **action: Any) -> Trouble:
    return Trouble("payments", {"operation": "create_payment_intent", "times": times, "action": action})


PROVIDER_DOWN = Trouble("payments", {"operation": "*", "times": 10_000, "action": {"status": 503}})
SLOW_CATALOGUE = Trouble(
    "cosmos", {"match": {"operation": "Read", "container": "catalog"}, "times": 1, "action": {"delayMs": 2000}}
)
ASK = {"whenShort": "ask", "approvalOverMinor": None}
SHORT = an_order("TEA", "POT", quantity=3)

PATHS = {
    "delivered": Route(an_order("TEA", "MUG"), deliver),
    "delivered_at_second_attempt": Route(an_order("TEA"), deliver, charging(3, status=503)),
    "delivered_by_lookup": Route(an_order("TEA"), deliver, charging(100, drop="after")),
    "delivered_once_approved": Route(an_order("TEA", quantity=90), decide(approved=True)),
    "delivered_shortage_accepted": Route(SHORT, answer(deliver, decision="accept"), settings=ASK),
    "delivered_shortage_amended": Route(
        SHORT, answer(deliver, decision="amend", lines=[{"sku": "TEA", "quantity": 2}]), settings=ASK
    ),
    "delivered_one_of_two_lost": Route(an_order("TEA", "POT"), lose_one_of_two),
    "returned": Route(an_order("TEA"), send_back("received")),
    "return_refused": Route(an_order("TEA"), send_back("refused")),
    "failed_lost": Route(an_order("TEA"), lose),
    "failed_provider_down": Route(an_order("TEA"), wait_for_attention, PROVIDER_DOWN, replay),
    "cancelled_before_reserving": Route(an_order("TEA"), cancel("pending"), SLOW_CATALOGUE),
    "cancelled_when_short": Route(SHORT, answer(let_be, decision="cancel"), settings=ASK),
    "cancelled_awaiting_approval": Route(an_order("TEA", quantity=90), cancel("awaiting_approval")),
    "cancelled_after_confirmation": Route(an_order("TEA"), cancel("confirmed")),
    "rejected_approval_denied": Route(an_order("TEA", quantity=90), decide(approved=False)),
    "rejected_risk": Route(an_order("TEA"), settings={"risk": {"rejectCountries": ["DE"]}}),
    "rejected_unknown_sku": Route(an_order("TEA", "NONE")),
    "rejected_currency_mismatch": Route(an_order("TEA", currency="USD")),
    "rejected_out_of_stock": Route(an_order("TEA", "MUG", quantity=9000)),
    "rejected_payment_declined": Route(an_order("TEA", paymentMethod="pm_card_visa_chargeDeclined")),
}


def main() -> None:
    """Play the paths and write the histories of all instances that took part in them."""
    chosen = sys.argv[1:] or [*PATHS, *by_clock.PATHS]
    for name in chosen:
        if name in by_clock.PATHS:
            by_clock.record(name, HISTORIES)
    routes = {name: PATHS[name] for name in chosen if name not in by_clock.PATHS}
    with tempfile.TemporaryDirectory() as folder:
        system = System(app=APP, state=Path(folder) / "state")
        with system:
            instances = [recorded for name, path in routes.items() for recorded in play(system, name, path)]
        write(instances, system)


def write(instances: list[tuple[str, str]], system: System) -> None:
    """Write the histories of a stopped system's instances, each (path, id), under the names of their orchestrators."""
    histories = read_hub(system.state / "hub.sqlite", [instance_id for _, instance_id in instances])
    for (path, _), history in zip(instances, histories, strict=True):
        history.write(HISTORIES / f"{history.orchestrator}.{path}.json", without=(APP, sys.prefix, sys.base_prefix))


def play(system: System, name: str, path: Route) -> Iterator[tuple[str, str]]:
    """Place the order and wait for the end of its instances; paths and ids."""
    tenant = name.replace("_", "-")
    token = system.token(tenant=tenant, role=("operator", "approver", "admin"), subject="u-1")
    operator = Client(system.endpoints["api"], token)
    for sku, warehouse, pieces in CATALOGUE:
        operator.stock_up(sku, pieces, warehouse=warehouse)
    expect(operator.put("/v1/settings", path.settings or {}), 200)
    with Fault(system.endpoints, system.state, *path.trouble) if path.trouble else nullcontext():
        order_id = operator.place(path.order)
        path.then(operator, order_id)
    if path.afterwards:
        path.afterwards(operator, order_id)
    yield from _ended(operator, name, [names.fulfil_instance_id(tenant, order_id)])
    shipments = [parcel["shipmentId"] for parcel in operator.order(order_id)["shipments"]]
    parcels = [names.ship_instance_id(tenant, order_id, shipment_id) for shipment_id in shipments]
    yield from _ended(operator, name, parcels)
    returned = [item["subject"] for item in operator.timeline(order_id) if item["type"] == "return_requested"]
    returns = [names.return_instance_id(tenant, order_id, return_id) for return_id in returned]
    yield from _ended(operator, name, returns)


def _ended(operator: Client, path: str, instance_ids: list[str]) -> Iterator[tuple[str, str]]:
    def has_ended(instance_id: str) -> bool:
        return operator.get(f"/v1/workflows/{instance_id}").status_code == 200

    for number, instance_id in enumerate(instance_ids, start=1):
        eventually(partial(has_ended, instance_id), within_s=SILENT_S, what=f"the end of {instance_id}")
        yield f"{path}_{number}" if len(instance_ids) > 1 else path, instance_id


if __name__ == "__main__":
    main()
