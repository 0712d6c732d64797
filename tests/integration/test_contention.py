"""Many writers at once, and a database that answers badly."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from activities.record_transition import record_transition
from adapters import orders, stock, views
from adapters.cosmos import Container
from domain.errors import Defect, Transient
from domain.orders import OrderStatus
from tests.integration.conftest import AnOrder, Endpoints, StockUp, a_step, an_adjustment

# the emulator signs its own certificate
pytestmark = pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")

Trouble = Callable[..., contextlib.AbstractContextManager[None]]


@pytest.fixture
def trouble(endpoints: Endpoints) -> Trouble:
    """`with trouble("Batch", status=503): …`: the database answers such operations so."""
    url = f"{endpoints['cosmos'].rstrip('/')}/_emulator/faults"

    @contextlib.contextmanager
    def rule(operation: str, **action: Any) -> Iterator[None]:
        given = {"match": {"operation": operation}, "times": 1000, "action": action}
        requests.post(url, json=given, timeout=10, verify=False).raise_for_status()
        try:
            yield
        finally:
            requests.delete(url, timeout=10, verify=False).raise_for_status()

    return rule


async def test_transition_from_many_sides_is_recorded_once(an_order: AnOrder) -> None:
    order = await an_order(("TEA", 2))
    step = a_step(order, to="reserved", prices={"TEA": 1250})

    await asyncio.gather(*(record_transition(step) for _ in range(10)))

    stored = (await orders.get(order.tenant_id, order.order_id)).value
    assert (stored.status, stored.version) == ("reserved", 2)
    assert [event.name for event in await orders.timeline(order.tenant_id, order.order_id)] == ["placed", "reserved"]


async def test_adjustments_at_once_are_all_applied(tenant_id: str, stock_up: StockUp) -> None:
    await stock_up("TEA", 10)

    answers = await asyncio.gather(*(stock.adjust(tenant_id, "TEA", an_adjustment(1)) for _ in range(12)))

    assert {answer.on_hand for answer in answers} == set(range(11, 23))
    assert (await stock.get(tenant_id, "TEA")).value.on_hand == 22


async def test_adjustment_whose_answer_was_not_noted_counts_once(
    tenant_id: str, stock_up: StockUp, trouble: Trouble
) -> None:
    await stock_up("TEA", 10)
    wish = an_adjustment(5)
    with trouble("Patch", status=503), pytest.raises(Transient):
        await stock.adjust(tenant_id, "TEA", wish)

    assert (await stock.adjust(tenant_id, "TEA", wish)).on_hand == 15
    assert (await stock.get(tenant_id, "TEA")).value.on_hand == 15


async def test_view_row_written_from_many_sides_ends_at_the_newest(an_order: AnOrder) -> None:
    order = await an_order()
    versions = [order.model_copy(update={"version": version}) for version in (1, 2, 3)]
    newest = order.model_copy(update={"version": 4, "status": OrderStatus.CONFIRMED})

    await asyncio.gather(
        *(views.put_order(order.tenant_id, version) for version in versions * 3), return_exceptions=True
    )
    await views.put_order(order.tenant_id, newest)

    assert [row.status for row in await views.orders(order.tenant_id, "c-17", None, None, 5)] == ["confirmed"]


@pytest.mark.parametrize("status", [503, 449])
async def test_busy_database_is_a_transient_fault_and_changes_nothing(
    an_order: AnOrder, trouble: Trouble, status: int
) -> None:
    order = await an_order()
    step = a_step(order, to="rejected", reason="out_of_stock")

    with trouble("Batch", status=status), pytest.raises(Transient, match=str(status)):
        await record_transition(step)

    assert (await orders.get(order.tenant_id, order.order_id)).value.status == "pending"
    await record_transition(step)


async def test_write_whose_answer_was_lost_is_known_again(an_order: AnOrder, trouble: Trouble) -> None:
    order = await an_order()
    with trouble("Batch", drop="after"), contextlib.suppress(Transient):
        await record_transition(a_step(order, to="rejected", reason="out_of_stock"))

    await record_transition(a_step(order, to="rejected", reason="out_of_stock"))

    events = await orders.timeline(order.tenant_id, order.order_id)
    assert [event.name for event in events] == ["placed", "rejected"]


async def test_refused_request_is_a_defect(an_order: AnOrder, trouble: Trouble) -> None:
    order = await an_order()
    with trouble("Read", status=403, subStatus=5300), pytest.raises(Defect, match="403"):
        await orders.get(order.tenant_id, order.order_id)


async def test_missing_container_is_a_defect_not_a_missing_record() -> None:
    with pytest.raises(Defect, match="the container does not exist"):
        await Container("no-such-container").read("x", "x")
