"""The demo can be played as often as one likes, on the state that earlier ones left."""

from __future__ import annotations

import uuid

from sandbox.client import an_order
from sandbox.demo import restock
from sandbox.welcome import CATALOGUE, seed
from tests.e2e.conftest import ClientOf


def test_demo_finds_its_shelves_full_again(client_of: ClientOf) -> None:
    operator = client_of(f"t-{uuid.uuid4().hex[:8]}")
    seed(operator)
    order_id = operator.place(an_order("MUG-01", quantity=12))
    assert operator.order_in(order_id, "confirmed", "rejected", "failed")["status"] == "confirmed"
    assert operator.stock("MUG-01") == (12, 12)

    restock(operator)

    free = {sku: on_hand - reserved for sku, *_ in CATALOGUE for on_hand, reserved in [operator.stock(sku)]}
    assert free == {sku: opening for sku, *_, opening in CATALOGUE}
