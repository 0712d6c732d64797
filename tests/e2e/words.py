"""The words in which the stories of an order are told: what people do, and what they then see; over HTTP alone.

Time-outs (an approval after 24 h, an answer after 48 h, a silent parcel, a return after 30 days) cannot be waited for
here: tests/unit plays them in a task hub whose clock is set forward.
"""

from __future__ import annotations

from typing import Any

import requests

from sandbox.client import Staff, an_order

PRICE = 1250


def place(staff: Staff, *skus: str, quantity: int = 2, **changes: Any) -> str:
    return staff.customer.place(an_order(*skus, quantity=quantity, **changes))


def confirmed(staff: Staff, *skus: str, quantity: int = 2) -> str:
    order_id = place(staff, *skus, quantity=quantity)
    staff.operator.order_in(order_id, "confirmed")
    return order_id


def story(staff: Staff, order_id: str) -> list[str]:
    """The timeline in words: its types, and for a change of status the status."""
    events = staff.operator.timeline(order_id)
    return [event["status"] if event["type"] == "status_changed" else event["type"] for event in events]


def paid(order: dict[str, Any]) -> tuple[str, int, int]:
    return order["payment"]["status"], order["payment"]["capturedMinor"], order["payment"]["refundedMinor"]


def refused(answer: requests.Response, status: int = 409) -> str:
    """The detail of a refusal."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    return str(answer.json()["detail"])
