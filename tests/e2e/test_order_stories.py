"""The stories of an order as its caller sees them."""

from __future__ import annotations

import requests

from sandbox.client import Client, an_order
from sandbox.eventually import eventually
from tests.e2e.conftest import ClientOf, Endpoints


def tenant_of(order: dict[str, object]) -> str:
    return str(order["tenantId"])


def ledger_entry(endpoints: Endpoints, order_id: str) -> dict[str, int]:
    entry: dict[str, int] = requests.get(f"{endpoints['payments']}/_sandbox/ledger/{order_id}", timeout=10).json()
    return entry


def test_order_is_confirmed_with_stock_reserved_and_payment_authorised(
    operator: Client, endpoints: Endpoints, sku: str
) -> None:
    operator.stock_up(sku, 10)
    operator.stock_up(f"{sku}-B", 5, amount_minor=300)
    body = an_order(sku, f"{sku}-B", quantity=2, email="ada@example.com")
    placed = operator.post("/v1/orders", body)
    assert placed.status_code == 202
    assert placed.headers["Location"] == placed.json()["statusQueryGetUri"]
    assert int(placed.headers["Retry-After"]) > 0

    order = operator.order_in(placed.json()["orderId"], "confirmed")

    assert order["totalMinor"] == 2 * 1250 + 2 * 300
    assert order["payment"] == {
        "status": "authorised", "authorisedMinor": 3100, "capturedMinor": 0, "refundedMinor": 0,
    }  # fmt: skip
    assert operator.stock(sku) == (10, 2)
    assert operator.stock(f"{sku}-B") == (5, 2)
    ledger = ledger_entry(endpoints, order["orderId"])
    assert (ledger["intents"], ledger["authorised"], ledger["captured"]) == (1, 3100, 0)


def test_confirmation_mail_arrives_once_and_stands_in_the_timeline(
    operator: Client, endpoints: Endpoints, sku: str
) -> None:
    operator.stock_up(sku, 1)
    order_id = operator.place(an_order(sku, email="grace@example.com"))

    def mails() -> list[object]:
        return requests.get(f"{endpoints['mail']}/messages", params={"contains": order_id}, timeout=10).json()

    eventually(mails, within_s=20, what="the confirmation mail")
    eventually(
        lambda: any(event["type"] == "confirmation_sent" for event in operator.timeline(order_id)),
        within_s=20, what="the confirmation in the timeline",
    )  # fmt: skip
    assert len(mails()) == 1


def test_timeline_tells_every_transition_in_order(operator: Client, sku: str) -> None:
    operator.stock_up(sku, 1)
    order_id = operator.place(an_order(sku))
    operator.order_in(order_id, "confirmed")

    events = operator.timeline(order_id)

    statuses = list(dict.fromkeys(event["status"] for event in events))
    assert statuses == ["pending", "reserved", "confirmed"]
    assert [event["at"] for event in events] == sorted(event["at"] for event in events)
    assert all(event["correlationId"] for event in events)


def test_too_little_stock_rejects_and_releases_every_line(operator: Client, sku: str) -> None:
    operator.stock_up(sku, 10)
    operator.stock_up(f"{sku}-RARE", 1)

    order = operator.order_in(operator.place(an_order(sku, f"{sku}-RARE", quantity=3)), "rejected")

    assert order["reason"] == "out_of_stock"
    assert operator.stock(sku) == (10, 0)
    assert operator.stock(f"{sku}-RARE") == (1, 0)


def test_two_lines_of_one_sku_count_together(operator: Client, sku: str) -> None:
    operator.stock_up(sku, 3)

    order = operator.order_in(operator.place(an_order(sku, sku, quantity=2)), "rejected")

    assert order["reason"] == "out_of_stock"
    assert operator.stock(sku) == (3, 0)


def test_unknown_sku_rejects(operator: Client, sku: str) -> None:
    operator.stock_up(sku, 3)

    order = operator.order_in(operator.place(an_order(sku, f"{sku}-NONE")), "rejected")

    assert order["reason"] == "unknown_sku"
    assert operator.stock(sku) == (3, 0)


def test_product_in_another_currency_rejects(operator: Client, sku: str) -> None:
    operator.stock_up(sku, 3, currency="USD")

    order = operator.order_in(operator.place(an_order(sku)), "rejected")

    assert order["reason"] == "currency_mismatch"
    assert operator.stock(sku) == (3, 0)


def test_declined_card_rejects_and_releases_stock(operator: Client, endpoints: Endpoints, sku: str) -> None:
    operator.stock_up(sku, 3)

    order = operator.order_in(
        operator.place(an_order(sku, paymentMethod="pm_card_visa_chargeDeclinedInsufficientFunds")), "rejected"
    )

    assert order["reason"] == "payment_declined"
    assert operator.stock(sku) == (3, 0)
    assert ledger_entry(endpoints, order["orderId"])["authorised"] == 0


def test_repeat_with_the_same_key_gets_the_first_answer_and_one_order(
    operator: Client, endpoints: Endpoints, sku: str
) -> None:
    operator.stock_up(sku, 10)
    first = operator.post("/v1/orders", an_order(sku), key="a-key-used-twice")
    operator.order_in(first.json()["orderId"], "confirmed")

    again = operator.post("/v1/orders", an_order(sku), key="a-key-used-twice")

    assert (again.status_code, again.json()) == (202, first.json())
    assert operator.stock(sku) == (10, 1)
    assert ledger_entry(endpoints, first.json()["orderId"])["intents"] == 1


def test_the_same_key_with_another_body_is_a_conflict(operator: Client, sku: str) -> None:
    operator.stock_up(sku, 10)
    assert operator.post("/v1/orders", an_order(sku), key="a-key-misused").status_code == 202

    other = operator.post("/v1/orders", an_order(sku, quantity=2), key="a-key-misused")

    assert other.status_code == 409
    assert other.headers["Content-Type"] == "application/problem+json"


def test_another_tenant_never_sees_the_order(operator: Client, client_of: ClientOf, sku: str) -> None:
    operator.stock_up(sku, 1)
    placed = operator.post("/v1/orders", an_order(sku)).json()
    stranger = client_of("another-tenant")

    assert stranger.get(f"/v1/orders/{placed['orderId']}").status_code == 404
    assert stranger.get(f"/v1/orders/{placed['orderId']}/timeline").status_code == 404
    assert stranger.get(placed["statusQueryGetUri"]).status_code == 404


def test_customer_sees_only_own_orders(operator: Client, client_of: ClientOf, sku: str) -> None:
    operator.stock_up(sku, 5)
    order_id = operator.place(an_order(sku, customer="c-ada"))
    tenant = tenant_of(operator.order(order_id))
    ada, eve = client_of(tenant, "customer", "c-ada"), client_of(tenant, "customer", "c-eve")

    assert ada.get(f"/v1/orders/{order_id}").status_code == 200
    assert eve.get(f"/v1/orders/{order_id}").status_code == 404
    assert eve.post("/v1/orders", an_order(sku, customer="c-ada")).status_code == 403
    assert eve.call("PUT", f"/v1/products/{sku}", json={}).status_code == 403


def test_order_appears_in_its_customers_list_page_by_page(operator: Client, sku: str) -> None:
    operator.stock_up(sku, 9)
    placed = [operator.place(an_order(sku, customer=f"c-{sku}")) for _ in range(3)]
    for order_id in placed:
        operator.order_in(order_id, "confirmed")

    def listed() -> list[str]:
        items = operator.get(f"/v1/orders?customerId=c-{sku}&status=confirmed").json()["items"]
        return [item["orderId"] for item in items]

    eventually(lambda: sorted(listed()) == sorted(placed), within_s=30, what="the view")
    first = operator.get(f"/v1/orders?customerId=c-{sku}&limit=2")
    assert len(first.json()["items"]) == 2
    assert 'rel="next"' in first.headers["Link"]
    second = operator.get(f"/v1/orders?customerId=c-{sku}&limit=2&continuation={first.json()['continuation']}")
    both = [item["orderId"] for item in first.json()["items"] + second.json()["items"]]
    assert both == sorted(placed, reverse=True)  # newest first; ids sort by time
    assert "continuation" not in second.json()


def test_workflow_follows_the_durable_status_protocol(operator: Client, sku: str) -> None:
    operator.stock_up(sku, 1)
    placed = operator.post("/v1/orders", an_order(sku)).json()
    assert placed["statusQueryGetUri"].startswith(f"{operator.api}/v1/workflows/")
    operator.order_in(placed["orderId"], "confirmed")
    assert operator.get(placed["statusQueryGetUri"]).status_code == 202
    operator.deliver(placed["orderId"])

    status = eventually(
        lambda: (answer := operator.get(placed["statusQueryGetUri"])).status_code == 200 and answer.json(),
        within_s=20, what="the finished workflow",
    )  # fmt: skip

    assert status["runtimeStatus"] == "Completed"
    assert status["instanceId"] == placed["id"]
    assert "code=" not in " ".join(str(value) for value in placed.values())
