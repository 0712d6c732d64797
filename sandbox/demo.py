"""Plays the stories of an order, one per outcome, and prints each order's timeline.

Uses the system that runs from `.localazure/`; starts one of its own, with fresh state, when none does.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import requests
from localazure.testing import System

from sandbox.client import Client, an_order, expect
from sandbox.welcome import CATALOGUE, operator_token, seed

APP = Path(__file__).resolve().parent.parent
STATE = APP / ".localazure"


class Story(NamedTuple):
    """What is ordered, and how it must end."""

    title: str
    order: dict[str, Any]
    ends_in: str


STORIES = [
    Story(
        "Everything is there and the card is good", an_order("TEA-500", "MUG-01", email="ada@example.com"), "confirmed"
    ),
    Story("Two teapots are wanted, and one is there", an_order("TEA-500", "POT-01", quantity=2), "rejected"),
    Story("Nobody sells this", an_order("TEA-500", "NO-SUCH-THING"), "rejected"),
    Story("The card is declined", an_order("MUG-01", paymentMethod="pm_card_visa_chargeDeclined"), "rejected"),
]


def main() -> None:
    """Play every story; end with an error if one ends otherwise than it must."""
    with running_operator() as operator:
        seed(operator)
        restock(operator)
        for story in STORIES:
            play(operator, story)


@contextmanager
def running_operator() -> Iterator[Client]:
    """An operator of the demo tenant, on the running system or on one started for this demo."""
    if is_running():
        endpoints = json.loads((STATE / "endpoints.json").read_text())
        yield Client(endpoints["api"], operator_token(STATE))
        return
    print("No system is running (make run): starting one for this demo ...")
    with tempfile.TemporaryDirectory(prefix="waybill-demo-") as folder, System(app=APP, state=Path(folder)) as system:
        yield Client(system.endpoints["api"], operator_token(system.state))


def is_running() -> bool:
    """Whether the system of `.localazure/` answers."""
    try:
        api = json.loads((STATE / "endpoints.json").read_text())["api"]
        return requests.get(f"{api}/health/live", timeout=5).ok
    except (OSError, ValueError, KeyError):
        return False


def play(operator: Client, story: Story) -> None:
    """Place the order, follow it to its end and print what happened."""
    before = stocks(operator, story)
    order_id = operator.place(story.order)
    order = operator.order_in(order_id, "confirmed", "rejected", "failed")
    print(f"\n{story.title}\n{'─' * len(story.title)}")
    print(f"order {order_id}: {order['status']}{' (' + order['reason'] + ')' if order['reason'] else ''}")
    for event in operator.timeline(order_id):
        print(f"  {event['at'][11:23]}  {event['type']:<18} {event['status']:<10} {event['detail'] or ''}")
    for sku, (on_hand, reserved) in stocks(operator, story).items():
        print(f"  stock {sku}: {on_hand} on hand, {before[sku][1]} → {reserved} reserved")
    if order["status"] != story.ends_in:
        raise SystemExit(f"This order had to end in {story.ends_in}.")


def restock(operator: Client) -> None:
    """As much to sell of everything as on the first day, however often the demo was played: orders keep their stock."""
    for sku, _, _, opening in CATALOGUE:
        on_hand, reserved = operator.stock(sku)
        if missing := opening - (on_hand - reserved):
            expect(operator.post(f"/v1/products/{sku}/stock", {"delta": missing, "reason": "demo"}), 200)


def stocks(operator: Client, story: Story) -> dict[str, tuple[int, int]]:
    """(on hand, reserved) of each product of the story that exists."""
    skus = dict.fromkeys(line["sku"] for line in story.order["lines"])
    return {sku: operator.stock(sku) for sku in skus if operator.get(f"/v1/products/{sku}").ok}


if __name__ == "__main__":
    main()
