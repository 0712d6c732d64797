"""Orders that come by other ways than HTTP: a queue message, and the change feed after a lost start."""

from __future__ import annotations

import base64
import json
import uuid
from typing import Any

import pytest
from azure.cosmos import CosmosClient, DatabaseProxy
from azure.storage.queue import QueueClient, QueueServiceClient, TextBase64EncodePolicy

from sandbox.client import Client, an_order
from sandbox.eventually import eventually
from tests.e2e.conftest import Endpoints

# The emulators' keys are public: https://learn.microsoft.com/azure/cosmos-db/emulator and Azurite's README.
COSMOS_KEY = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="
STORAGE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="


def queue(endpoints: Endpoints, name: str) -> QueueClient:
    return QueueClient(
        endpoints["queue"], name, credential={"account_name": "devstoreaccount1", "account_key": STORAGE_KEY},
        message_encode_policy=TextBase64EncodePolicy(),
    )  # fmt: skip


@pytest.fixture
def database(endpoints: Endpoints) -> DatabaseProxy:
    return CosmosClient(endpoints["cosmos"], COSMOS_KEY).get_database_client("waybill")


def tenant_of(operator: Client) -> str:
    """The tenant an operator belongs to, as its orders tell it."""
    order_id = operator.place(an_order("NO-SUCH-PRODUCT"))
    return str(operator.order(order_id)["tenantId"])


def test_message_in_the_orders_queue_places_an_order_once(operator: Client, endpoints: Endpoints, sku: str) -> None:
    operator.stock_up(sku, 5)
    customer = f"c-{sku}"
    message = {
        "id": uuid.uuid4().hex,
        "tenantId": tenant_of(operator),
        "order": an_order(sku, customer=customer),
        "correlationId": "from-the-queue",
    }
    with queue(endpoints, "orders") as orders:
        orders.send_message(json.dumps(message))
        orders.send_message(json.dumps(message))

    def listed() -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = operator.get(f"/v1/orders?customerId={customer}&status=confirmed").json()["items"]
        return items

    order_id = eventually(listed, within_s=60, what="the order from the queue")[0]["orderId"]
    eventually(
        lambda: queue(endpoints, "orders").get_queue_properties().approximate_message_count == 0,
        within_s=60, what="both messages handled",
    )  # fmt: skip
    assert len(listed()) == 1
    assert operator.stock(sku) == (5, 1)
    assert {event["correlationId"] for event in operator.timeline(order_id)} == {"from-the-queue"}


def test_message_that_is_no_order_ends_in_the_poison_queue(operator: Client, endpoints: Endpoints, sku: str) -> None:
    bad = {"id": uuid.uuid4().hex, "tenantId": "t-bad", "order": an_order(sku, quantity=0), "correlationId": sku}
    with queue(endpoints, "orders") as orders:
        orders.send_message(json.dumps(bad))

    def poisoned() -> bool:
        with queue(endpoints, "orders-poison") as poison:
            return any(sku in _decoded(message.content) for message in poison.peek_messages(32))

    eventually(lambda: _exists(endpoints, "orders-poison") and poisoned(), within_s=60, what="the poison message")


def _exists(endpoints: Endpoints, name: str) -> bool:
    with QueueServiceClient(
        endpoints["queue"], credential={"account_name": "devstoreaccount1", "account_key": STORAGE_KEY}
    ) as service:
        return any(found.name == name for found in service.list_queues(name_starts_with=name))


def _decoded(content: str) -> str:
    return base64.b64decode(content).decode()


def test_finished_order_is_announced_in_the_outcomes_queue(operator: Client, endpoints: Endpoints, sku: str) -> None:
    operator.stock_up(sku, 1)
    order_id = operator.place(an_order(sku))
    operator.deliver(order_id)

    def announced() -> bool:
        with queue(endpoints, "order-outcomes") as outcomes:
            seen = False
            for message in outcomes.receive_messages(messages_per_page=32):
                seen = seen or order_id in _decoded(message.content)
                outcomes.delete_message(message)
            return seen

    eventually(announced, within_s=30, what="the outcome")


def test_order_whose_start_was_lost_is_started_by_the_change_feed(
    operator: Client, database: DatabaseProxy, sku: str
) -> None:
    """Writes what a process leaves behind that dies between writing an order and starting its instance."""
    operator.stock_up(sku, 2)
    model_id = operator.place(an_order(sku))
    operator.order_in(model_id, "confirmed")
    tenant = str(operator.order(model_id)["tenantId"])
    orders = database.get_container_client("orders")
    stored = list(orders.query_items("SELECT * FROM c", partition_key=[tenant, model_id]))
    placed_event = next(doc for doc in stored if doc["kind"] == "event" and doc["type"] == "placed")
    order = next(doc for doc in stored if doc["kind"] == "order")
    lost_id = "01KA" + uuid.uuid4().hex[:22].upper()
    as_placed = json.loads(json.dumps(order).replace(model_id, lost_id)) | _as_placed(order)
    as_event = json.loads(json.dumps(placed_event).replace(model_id, lost_id))

    orders.execute_item_batch([("create", (as_placed,)), ("create", (as_event,))], partition_key=[tenant, lost_id])

    assert operator.order_in(lost_id, "confirmed")["totalMinor"] == 1250
    assert operator.stock(sku) == (2, 2)


def _as_placed(order: dict[str, Any]) -> dict[str, Any]:
    """The fields that the saga has changed since, as they were at placement."""
    lines = [{**line, "unitAmountMinor": None, "status": "pending"} for line in order["lines"]]
    payment = {"status": "none", "authorisedMinor": 0, "capturedMinor": 0, "refundedMinor": 0}
    return {"status": "pending", "totalMinor": None, "lines": lines, "payment": payment, "version": 1}
