from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel, JsonValue, RootModel

from domain.catalogue import AdjustStock, PutProduct
from domain.errors import Invalid
from domain.placement import PlaceOrder, QueuedOrder
from tests.unit.conftest import OrderRequest
from triggers.web.call import parsed

PRODUCT = {"name": "Tea", "unitAmountMinor": 1250, "currency": "EUR", "warehouse": "berlin"}


def pointers(model: type[BaseModel], body: Any) -> set[str]:
    with pytest.raises(Invalid) as caught:
        parsed(model, json.dumps(body))
    return {error.pointer for error in caught.value.errors}


def test_valid_order_is_read(order_request: OrderRequest) -> None:
    order = parsed(PlaceOrder, json.dumps(order_request(email="ada@example.com", reference="r-1")))

    assert (order.customer_id, order.lines[0].quantity, order.ship_to.postal_code) == ("c-17", 2, "10117")


@pytest.mark.parametrize("quantity", [0, -1, "2", 2.0, 1.5, True, None, [], 100_001])
def test_quantity_must_be_a_real_count(order_request: OrderRequest, quantity: object) -> None:
    body = order_request() | {"lines": [{"sku": "TEA", "quantity": quantity}]}

    assert pointers(PlaceOrder, body) == {"/lines/0/quantity"}


@pytest.mark.parametrize("sku", ["", "a/b", "a b", "é", "x" * 65, "a\n", ".", "..", 7, None])
def test_sku_must_be_an_id(order_request: OrderRequest, sku: object) -> None:
    assert pointers(PlaceOrder, order_request() | {"lines": [{"sku": sku, "quantity": 1}]}) == {"/lines/0/sku"}


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"discount": 5}, "/discount"),
        ({"customer_id": "c-17"}, "/customer_id"),
        ({"currency": "euro"}, "/currency"),
        ({"currency": "XXY"}, "/currency"),
        ({"lines": []}, "/lines"),
        ({"email": "not an address"}, "/email"),
        ({"paymentMethod": "4242424242424242"}, "/paymentMethod"),
        ({"email": "ada@example.com\nBcc: eve@example.com"}, "/email"),
        ({"email": "ada@example.com,eve@example.com"}, "/email"),
        ({"email": "ada\0@example.com"}, "/email"),
        ({"reference": ""}, "/reference"),
        ({"reference": "  "}, "/reference"),
        ({"reference": "a\r\nb"}, "/reference"),
        ({"reference": "\x1b[31m"}, "/reference"),
        ({"reference": "\0"}, "/reference"),
        ({"paymentMethod": "pm_card_visa; drop"}, "/paymentMethod"),
    ],
)
def test_wrong_field_is_pointed_at(order_request: OrderRequest, changes: dict[str, Any], pointer: str) -> None:
    assert pointers(PlaceOrder, order_request() | changes) == {pointer}


def test_every_wrong_field_is_named_at_once(order_request: OrderRequest) -> None:
    body = order_request() | {"currency": 5, "customerId": "", "shipTo": {"name": "Ada"}}

    assert pointers(PlaceOrder, body) >= {"/currency", "/customerId", "/shipTo/line1", "/shipTo/country"}


def test_pointer_escapes_what_json_pointer_needs(order_request: OrderRequest) -> None:
    assert pointers(PlaceOrder, order_request() | {"a/b~c": 1}) == {"/a~1b~0c"}


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, '{"customerId": "\\ud800"}'])
def test_text_that_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="not JSON"):
        parsed(PlaceOrder, text)


@pytest.mark.parametrize(
    "text", ['{"delta": 1, "delta": 2, "reason": "x"}', '{"reason": "x", "delta": 1, "reason": "x"}']
)
def test_name_that_stands_twice_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="stands twice"):
        parsed(AdjustStock, text)


@pytest.mark.parametrize("text", ["NaN", "[-Infinity]", '{"a": 1e999}'])
def test_number_that_json_does_not_have_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="number"):
        parsed(RootModel[JsonValue], text)


@pytest.mark.parametrize("amount", [0, -1, "1250", 12.5, True, 100_000_000])
def test_price_must_be_whole_minor_units(amount: object) -> None:
    assert pointers(PutProduct, PRODUCT | {"unitAmountMinor": amount}) == {"/unitAmountMinor"}


@pytest.mark.parametrize(("amount", "currency", "step"), [(5124, "KWD", 10), (150, "MGA", 100)])
def test_price_must_be_one_that_cards_can_be_charged(amount: int, currency: str, step: int) -> None:
    assert pointers(PutProduct, PRODUCT | {"unitAmountMinor": amount, "currency": currency}) == {"/unitAmountMinor"}
    assert parsed(PutProduct, json.dumps(PRODUCT | {"unitAmountMinor": step, "currency": currency}))


def test_stock_adjustment_needs_delta_and_reason() -> None:
    assert pointers(AdjustStock, {"delta": "3"}) == {"/delta", "/reason"}
    assert parsed(AdjustStock, '{"delta": -3, "reason": "broken"}').delta == -3


def test_queue_message_is_checked_like_the_http_body(order_request: OrderRequest) -> None:
    message = {"id": "m-1", "tenantId": "acme", "order": order_request() | {"lines": []}, "correlationId": "x"}

    assert pointers(QueuedOrder, message) == {"/order/lines"}
    assert pointers(QueuedOrder, {"order": order_request(), "tenantId": "a/b"}) == {"/id", "/tenantId"}
