"""A workflow that has failed for good goes on where it stopped when it is rewound, and so do its children."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrators import saga
from tests.unit.sagas import DOWN, GOOD, PARCEL, Run, fulfil

CARRIER = {"actor": "carrier-1"}


@pytest.fixture
def broken(task_hub: Any, monkeypatch: pytest.MonkeyPatch) -> Run:
    """An order whose parcel has left, and could not be taken off the books for as long as anybody was patient."""
    monkeypatch.setattr(saga, "PATIENCE", saga.RETRY)  # a day of attempts would take the test minutes
    order = fulfil(task_hub, commit_stock=DOWN)
    order.tell("shipped", CARRIER, PARCEL)
    order.hub.advance(minutes=2)
    return order


def test_parcel_that_breaks_fails_its_order_and_undoes_nothing(broken: Run) -> None:
    assert {each.id: each.runtime_status for each in broken.hub.instances()} == {
        "fulfil:acme:o-42": "Failed",
        PARCEL: "Failed",
    }
    assert not {"void_payment", "release_stock", "publish_outcome"} & {name for name, _ in broken.steps}


def test_order_and_parcel_go_on_together_once_the_order_is_rewound(broken: Run) -> None:
    broken.hub.replace("commit_stock", GOOD["commit_stock"])

    broken.instance.rewind("the stock is there again")
    broken.tell("delivered", CARRIER, PARCEL)

    assert broken.end()["status"] == "delivered"
    story = [name for name, _ in broken.steps]
    assert [story.count(name) for name in ("book_shipment", "record_transition", "capture_payment")] == [1, 2, 1]
    assert [payload["to"] for name, payload in broken.steps if name == "record_shipment"] == ["shipped", "delivered"]
