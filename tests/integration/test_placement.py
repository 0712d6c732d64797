"""Placing orders with real storage and a task hub that only remembers what was started."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import azure.functions as func
import pytest

from adapters import idempotency, orders
from adapters.durable import start_fulfilment
from domain.errors import Conflict, Invalid, NotFound, Transient
from domain.placement import PlaceOrder
from tests.integration.conftest import an_order_request
from triggers import placement
from triggers.placement import Placing, place_once
from triggers.queue.place_queued_order import place_queued_order


class FakeHub:
    """Remembers what was started; like the task hub, it refuses to start a running instance again."""

    def __init__(self) -> None:
        self.started: dict[str, Any] = {}
        self.is_down = False
        self.is_silent = False

    async def get_status(self, instance_id: str) -> Any:
        if self.is_silent:
            raise RuntimeError("what the SDK raises for a status that it does not expect")
        return self.started.get(instance_id)

    async def start_new(self, name: str, instance_id: str, client_input: Any) -> str:
        if self.is_down or instance_id in self.started:
            raise RuntimeError("refused")
        self.started[instance_id] = (name, client_input)
        return instance_id


@pytest.fixture
def hub() -> FakeHub:
    return FakeHub()


def a_wish(tenant_id: str, key: str = "k-1", request: PlaceOrder | None = None) -> Placing:
    return Placing(tenant_id, request or an_order_request(), key, "u-1", "corr-1")


async def test_placing_stores_the_order_with_its_first_event_and_starts_it(tenant_id: str, hub: FakeHub) -> None:
    claim = await place_once(hub, a_wish(tenant_id))

    stored = (await orders.get(tenant_id, claim.order_id)).value
    assert (stored.status, stored.customer_id, stored.total_minor) == ("pending", "c-17", None)
    events = await orders.timeline(tenant_id, claim.order_id)
    assert [(event.name, event.actor, event.correlation_id) for event in events] == [("placed", "u-1", "corr-1")]
    told = {"tenant_id": tenant_id, "order_id": claim.order_id, "correlation_id": "corr-1"}
    assert hub.started == {f"fulfil:{tenant_id}:{claim.order_id}": ("fulfil_order", told)}


async def test_repeat_gets_the_first_answer_and_one_order(tenant_id: str, hub: FakeHub) -> None:
    claims = await asyncio.gather(*(place_once(hub, a_wish(tenant_id)) for _ in range(8)))

    assert len({claim.order_id for claim in claims}) == 1
    assert all(claim.answer == claims[0].answer for claim in claims)
    assert len(hub.started) == 1


async def test_same_key_with_another_body_is_a_conflict(tenant_id: str, hub: FakeHub) -> None:
    await place_once(hub, a_wish(tenant_id))

    with pytest.raises(Conflict, match="another body"):
        await place_once(hub, a_wish(tenant_id, request=an_order_request(("TEA", 3))))
    assert len(hub.started) == 1


async def test_same_key_of_another_tenant_is_another_key(tenant_id: str, hub: FakeHub) -> None:
    first = await place_once(hub, a_wish(tenant_id))
    second = await place_once(hub, a_wish(f"{tenant_id}-b"))

    assert first.order_id != second.order_id


@pytest.mark.parametrize("step", ["create", "start_fulfilment"])
async def test_repeat_finishes_what_a_crash_left_undone(
    tenant_id: str, hub: FakeHub, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    async def crash(*_: object) -> None:
        raise Transient("the process died here")

    with monkeypatch.context() as patched:
        patched.setattr(placement.orders if step == "create" else placement, step, crash)
        with pytest.raises(Transient):
            await place_once(hub, a_wish(tenant_id))
    assert not hub.started

    claim = await place_once(hub, a_wish(tenant_id))

    assert (await orders.get(tenant_id, claim.order_id)).value.status == "pending"
    assert list(hub.started) == [f"fulfil:{tenant_id}:{claim.order_id}"]


async def test_start_that_loses_the_race_is_content(tenant_id: str, hub: FakeHub) -> None:
    class Racing(FakeHub):
        async def start_new(self, name: str, instance_id: str, client_input: Any) -> str:
            await super().start_new(name, instance_id, client_input)
            raise RuntimeError("An Orchestration instance with the status Running already exists.")

    assert await start_fulfilment(Racing(), tenant_id, "o-1", "c") == f"fulfil:{tenant_id}:o-1"


async def test_task_hub_that_is_down_is_a_transient_fault(tenant_id: str, hub: FakeHub) -> None:
    hub.is_down = True

    with pytest.raises(Transient, match="could not be started"):
        await place_once(hub, a_wish(tenant_id))


async def test_task_hub_that_does_not_answer_is_a_transient_fault_and_costs_no_order(
    tenant_id: str, hub: FakeHub
) -> None:
    hub.is_silent = True

    with pytest.raises(Transient, match="does not tell"):
        await place_once(hub, a_wish(tenant_id))
    hub.is_silent = False
    claim = await place_once(hub, a_wish(tenant_id))

    assert list(hub.started) == [f"fulfil:{tenant_id}:{claim.order_id}"]


def a_message(**content: Any) -> func.QueueMessage:
    return func.QueueMessage(body=json.dumps(content).encode())


async def test_queue_message_and_http_request_share_their_keys(tenant_id: str, hub: FakeHub) -> None:
    request = an_order_request()
    claim = await place_once(hub, a_wish(tenant_id, key="m-1", request=request))
    body = request.model_dump(mode="json", by_alias=True)

    await place_queued_order(a_message(id="m-1", tenantId=tenant_id, order=body, correlationId="from-queue"), hub)

    assert list(hub.started) == [f"fulfil:{tenant_id}:{claim.order_id}"]


async def test_queue_message_that_is_no_order_raises(tenant_id: str, hub: FakeHub) -> None:
    with pytest.raises(Invalid):
        await place_queued_order(a_message(id="m-1", tenantId=tenant_id, order={}), hub)
    assert not hub.started


async def test_claims_are_kept_for_a_day_and_no_longer(tenant_id: str, hub: FakeHub) -> None:
    claim = await place_once(hub, a_wish(tenant_id))

    properties = await (await idempotency._idempotency._proxy()).read()
    assert properties["defaultTtl"] == 24 * 60 * 60
    stored = await idempotency._idempotency.read(claim.key, claim.key)
    assert "ttl" not in stored


async def test_order_of_another_tenant_is_not_found(tenant_id: str, hub: FakeHub) -> None:
    claim = await place_once(hub, a_wish(tenant_id))

    with pytest.raises(NotFound):
        await orders.get(f"{tenant_id}-b", claim.order_id)
