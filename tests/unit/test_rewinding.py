"""A workflow that met a defect of its code goes on where it stopped, once that is mended, and so do its children."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrators.ship_parcel import ship_parcel
from tests.unit.sagas import CONFIRMED, GOOD, PARCEL, Run, back_after_an_outage, fulfil

CARRIER = {"actor": "carrier-1"}
OUTAGE = 10
"""Attempts that an outage takes."""


@pytest.fixture
def broken(task_hub: Any) -> Run:
    """An order whose parcel has left, and for which no money can be taken until the code is mended.

    Each of the two has outlived an outage before: those failures are over, and no rewinding brings them back.
    """
    with pytest.MonkeyPatch.context() as until_it_is_mended:
        until_it_is_mended.delitem(ship_parcel.__globals__, "_take")
        shipped = back_after_an_outage(GOOD["record_shipment"]({"to": "shipped"}))
        order = fulfil(task_hub, record_transition__confirmed=back_after_an_outage(CONFIRMED), record_shipment=shipped)
        order.hub.advance(minutes=10)
        order.tell("shipped", CARRIER, PARCEL)
        order.hub.advance(minutes=10)
        order.hub.replace("record_shipment", GOOD["record_shipment"])
    return order


def test_parcel_that_breaks_fails_its_order_and_undoes_nothing(broken: Run) -> None:
    assert {each.id: each.runtime_status for each in broken.hub.instances()} == {
        "fulfil:acme:o-42": "Failed",
        PARCEL: "Failed",
    }
    assert not {"void_payment", "release_stock", "publish_outcome"} & {name for name, _ in broken.steps}


def test_order_and_parcel_go_on_together_once_the_order_is_rewound(broken: Run) -> None:
    broken.instance.rewind("the code is mended")
    broken.tell("delivered", CARRIER, PARCEL)

    assert broken.end()["status"] == "delivered"
    story = [name for name, _ in broken.steps]
    tried = {name: story.count(name) for name in ("book_shipment", "record_transition", "capture_payment")}
    assert tried == {"book_shipment": 1, "record_transition": 2 + OUTAGE, "capture_payment": 1}
    recorded = [payload["to"] for name, payload in broken.steps if name == "record_shipment"]
    assert recorded == ["shipped"] * (1 + OUTAGE) + ["delivered"]
