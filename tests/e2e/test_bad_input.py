"""What is refused: with the right status, a problem document that names the mend, and nothing written."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
import requests

from sandbox.client import Client, an_order
from tests.e2e.conftest import ClientOf

PROBLEM = "application/problem+json"


@pytest.fixture
def merchant(client_of: ClientOf) -> Client:
    """An operator of a tenant in which nothing was ever placed."""
    return client_of(f"t-{uuid.uuid4().hex[:8]}")


@pytest.fixture(scope="session")
def everybody(client_of: ClientOf) -> Client:
    """Somebody with every role, in a tenant in which nothing was ever written."""
    return client_of(f"t-{uuid.uuid4().hex[:8]}", ("customer", "operator", "approver", "carrier", "admin"))


def assert_problem(answer: requests.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"] == PROBLEM
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["type"]
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"]
    assert answer.headers["x-correlation-id"]
    return problem


def assert_nothing_written(merchant: Client) -> None:
    assert merchant.get("/v1/orders").json()["items"] == []


PRICED_LINE = {"sku": "TEA", "quantity": 1, "unitAmountMinor": 1}
WRONG_ORDERS: list[tuple[str, dict[str, Any], str]] = [
    ("quantity 0", an_order("TEA", quantity=0), "/lines/0/quantity"),
    ("negative quantity", an_order("TEA", quantity=-1), "/lines/0/quantity"),
    ("quantity as text", an_order("TEA") | {"lines": [{"sku": "TEA", "quantity": "2"}]}, "/lines/0/quantity"),
    ("quantity as fraction", an_order("TEA") | {"lines": [{"sku": "TEA", "quantity": 1.5}]}, "/lines/0/quantity"),
    ("quantity as truth", an_order("TEA") | {"lines": [{"sku": "TEA", "quantity": True}]}, "/lines/0/quantity"),
    ("a price from the caller", an_order("TEA") | {"lines": [PRICED_LINE]}, "/lines/0/unitAmountMinor"),
    ("no lines", an_order("TEA") | {"lines": []}, "/lines"),
    ("unknown field", an_order("TEA") | {"discount": 5}, "/discount"),
    ("currency unknown to ISO 4217", an_order("TEA") | {"currency": "euro"}, "/currency"),
    ("no customer", {k: v for k, v in an_order("TEA").items() if k != "customerId"}, "/customerId"),
    ("a path in a SKU", an_order("../../x"), "/lines/0/sku"),
    ("no address", {k: v for k, v in an_order("TEA").items() if k != "shipTo"}, "/shipTo"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "pointer"), [case[1:] for case in WRONG_ORDERS], ids=[case[0] for case in WRONG_ORDERS]
)
def test_wrong_order_names_the_place_and_the_mend(merchant: Client, body: dict[str, Any], pointer: str) -> None:
    problem = assert_problem(merchant.post("/v1/orders", body), 400)

    assert pointer in [error["pointer"] for error in problem["errors"]]
    assert all(error["detail"] for error in problem["errors"])
    assert_nothing_written(merchant)


@pytest.mark.parametrize(
    "text",
    [b'{"customerId": ', b"", b"[]", b'"order"', b"null", b"\xff\xfe", b"[" * 100_000, b'{"lines": NaN}'],
    ids=["cut off", "empty", "a list", "a string", "null", "no UTF-8", "deeply nested", "NaN"],
)
def test_malformed_json_is_refused(merchant: Client, text: bytes) -> None:
    answer = merchant.call(
        "POST", "/v1/orders", data=text, headers={"Content-Type": "application/json", "Idempotency-Key": "k"}
    )

    assert_problem(answer, 400)
    assert_nothing_written(merchant)


def test_missing_idempotency_key_is_refused(merchant: Client) -> None:
    problem = assert_problem(merchant.call("POST", "/v1/orders", json=an_order("TEA")), 400)

    assert "Idempotency-Key" in problem["detail"]
    assert_nothing_written(merchant)


@pytest.mark.parametrize("key", ["", "x" * 300, "ключ".encode()], ids=["empty", "too long", "not ASCII"])
def test_unusable_idempotency_key_is_refused(merchant: Client, key: str | bytes) -> None:
    answer = merchant.call("POST", "/v1/orders", json=an_order("TEA"), headers={"Idempotency-Key": key})

    assert_problem(answer, 400)


def test_body_of_two_mebibytes_is_too_large(merchant: Client) -> None:
    answer = merchant.post("/v1/orders", an_order("TEA", reference="x" * 2**21))

    assert_problem(answer, 413)
    assert_nothing_written(merchant)


def test_body_of_another_type_is_refused(merchant: Client) -> None:
    answer = merchant.call(
        "POST", "/v1/orders", data="a=b", headers={"Idempotency-Key": "k", "Content-Type": "text/plain"}
    )

    assert_problem(answer, 415)


@pytest.mark.parametrize(
    ("product", "pointer"),
    [
        ({"name": "Tea", "unitAmountMinor": -1, "currency": "EUR", "warehouse": "berlin"}, "/unitAmountMinor"),
        ({"name": "Tea", "unitAmountMinor": "1250", "currency": "EUR", "warehouse": "berlin"}, "/unitAmountMinor"),
        ({"name": "", "unitAmountMinor": 1, "currency": "EUR", "warehouse": "berlin"}, "/name"),
        ({"name": "Tea", "unitAmountMinor": 1, "currency": "EUR"}, "/warehouse"),
    ],
    ids=["negative price", "price as text", "empty name", "no warehouse"],
)
def test_wrong_product_is_refused(merchant: Client, product: dict[str, Any], pointer: str) -> None:
    problem = assert_problem(merchant.call("PUT", "/v1/products/TEA", json=product), 400)

    assert pointer in [error["pointer"] for error in problem["errors"]]
    assert merchant.get("/v1/products/TEA").status_code == 404


WRONG_WORDS: list[tuple[str, str, dict[str, Any], str]] = [
    ("cancel", "cancel", {"because": "x"}, "/because"),
    ("cancel note", "cancel", {"note": ""}, "/note"),
    ("approval", "approval", {}, "/approved"),
    ("approval as text", "approval", {"approved": "yes"}, "/approved"),
    ("approval note", "approval", {"approved": True, "note": "x" * 201}, "/note"),
    ("shortage", "shortage", {"decision": "perhaps"}, "/decision"),
    (
        "shortage lines",
        "shortage",
        {"decision": "amend", "lines": [{"sku": "TEA", "quantity": 0}]},
        "/lines/0/quantity",
    ),
    ("carrier's word", "shipments/s-1/events", {"status": "eaten"}, "/status"),
    ("return of nothing", "returns", {"lines": [], "reason": "x"}, "/lines"),
    ("return without a reason", "returns", {"lines": [{"sku": "TEA", "quantity": 1}]}, "/reason"),
    (
        "return of half a piece",
        "returns",
        {"lines": [{"sku": "TEA", "quantity": 0.5}], "reason": "x"},
        "/lines/0/quantity",
    ),
]


@pytest.mark.parametrize(
    ("path", "body", "pointer"), [case[1:] for case in WRONG_WORDS], ids=[case[0] for case in WRONG_WORDS]
)
def test_wrong_word_about_an_order_names_the_place_and_the_mend(
    everybody: Client, path: str, body: dict[str, Any], pointer: str
) -> None:
    problem = assert_problem(everybody.post(f"/v1/orders/o-1/{path}", body), 400)

    assert pointer in [error["pointer"] for error in problem["errors"]]
    assert all(error["detail"] for error in problem["errors"])


@pytest.mark.parametrize("status", ["eaten", None, 1])
def test_wrong_word_about_a_return_is_refused(everybody: Client, status: object) -> None:
    problem = assert_problem(everybody.post("/v1/returns/r-1/events", {"status": status}), 400)

    assert [error["pointer"] for error in problem["errors"]] == ["/status"]


@pytest.mark.parametrize("path", ["approval", "shortage", "shipments/s-1/events", "returns"])
@pytest.mark.parametrize(("text", "status"), [(b"", 400), (b"[]", 400), (b'{"a": ', 400), (b"x" * 2**21, 413)])
def test_malformed_word_is_refused(everybody: Client, path: str, text: bytes, status: int) -> None:
    headers = {"Content-Type": "application/json", "Idempotency-Key": "k"}
    assert_problem(everybody.call("POST", f"/v1/orders/o-1/{path}", data=text, headers=headers), status)


GOOD_WORDS: dict[str, dict[str, Any]] = {
    "orders/o-1/cancel": {},
    "orders/o-1/approval": {"approved": True},
    "orders/o-1/shortage": {"decision": "accept"},
    "orders/o-1/shipments/o-1-1/events": {"status": "shipped"},
    "orders/o-1/returns": {"lines": [{"sku": "TEA", "quantity": 1}], "reason": "x"},
    "returns/o-1-1/events": {"status": "received"},
    "dead-letters/d-1/replay": {},
}


@pytest.mark.parametrize("path", GOOD_WORDS)
def test_word_about_what_does_not_exist_is_not_found(everybody: Client, path: str) -> None:
    assert_problem(everybody.post(f"/v1/{path}", GOOD_WORDS[path]), 404)


@pytest.mark.parametrize("path", [path for path in GOOD_WORDS if path.startswith("orders")])
def test_order_whose_id_is_none_is_refused(everybody: Client, path: str) -> None:
    assert_problem(everybody.post(f"/v1/{path.replace('o-1', '%20')}", GOOD_WORDS[path]), 400)


def test_return_without_an_idempotency_key_is_refused(everybody: Client) -> None:
    problem = assert_problem(
        everybody.call("POST", "/v1/orders/o-1/returns", json=GOOD_WORDS["orders/o-1/returns"]), 400
    )

    assert "Idempotency-Key" in problem["detail"]


@pytest.mark.parametrize(
    ("settings", "pointer"),
    [
        ({"approvalOverMinor": -1}, "/approvalOverMinor"),
        ({"approvalOverMinor": "1000"}, "/approvalOverMinor"),
        ({"approvalTimeoutHours": 0}, "/approvalTimeoutHours"),
        ({"shortageTimeoutHours": 24 * 90 + 1}, "/shortageTimeoutHours"),
        ({"parcelSilentDays": 1.5}, "/parcelSilentDays"),
        ({"returnDays": None}, "/returnDays"),
        ({"whenShort": "perhaps"}, "/whenShort"),
        ({"risk": {"reviewCountries": ["Germany"]}}, "/risk/reviewCountries/0"),
        ({"risk": {"rejectOverMinor": -1}}, "/risk/rejectOverMinor"),
        ({"risk": {"luck": 7}}, "/risk/luck"),
        ({"colour": "blue"}, "/colour"),
    ],
)
def test_wrong_settings_are_refused_and_change_nothing(
    everybody: Client, settings: dict[str, Any], pointer: str
) -> None:
    problem = assert_problem(everybody.put("/v1/settings", settings), 400)

    assert pointer in [error["pointer"] for error in problem["errors"]]
    assert "ETag" not in everybody.get("/v1/settings").headers


def test_stock_never_goes_below_zero(merchant: Client) -> None:
    merchant.stock_up("TEA", 2)

    assert_problem(merchant.post("/v1/products/TEA/stock", {"delta": -3, "reason": "lost"}), 409)
    assert merchant.stock("TEA") == (2, 0)


def test_stock_of_an_unknown_product_is_not_found(merchant: Client) -> None:
    assert_problem(merchant.post("/v1/products/NONE/stock", {"delta": 3, "reason": "goods in"}), 404)


def test_stock_adjustment_is_applied_once_per_key(merchant: Client) -> None:
    merchant.stock_up("TEA", 0)
    first = merchant.post("/v1/products/TEA/stock", {"delta": 3, "reason": "goods in"}, key="delivery-1")
    again = merchant.post("/v1/products/TEA/stock", {"delta": 3, "reason": "goods in"}, key="delivery-1")
    other = merchant.post("/v1/products/TEA/stock", {"delta": 4, "reason": "goods in"}, key="delivery-1")

    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert_problem(other, 409)
    assert merchant.stock("TEA") == (3, 0)


def unsigned(claims: dict[str, Any], algorithm: str) -> str:
    """A token that nobody signed."""

    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'typ': 'JWT', 'alg': algorithm})}.{part(claims)}."


def claims_of(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return claims


@pytest.mark.usefixtures("system")
class TestTokens:
    """401 with WWW-Authenticate for every token that must not be trusted."""

    @pytest.fixture
    def good(self, token_of: Callable[..., str]) -> str:
        return token_of(tenant="t-tokens", role="operator", subject="u-1")

    def assert_refused(self, merchant: Client, authorization: str | None) -> None:
        client = Client(merchant.api, "")
        client.session.headers.pop("Authorization")
        headers = {"Authorization": authorization} if authorization is not None else {}
        answer = client.post("/v1/orders", an_order("TEA"), headers=headers)
        assert_problem(answer, 401)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")

    def test_no_token_is_refused(self, merchant: Client) -> None:
        self.assert_refused(merchant, None)

    def test_another_scheme_is_refused(self, merchant: Client) -> None:
        self.assert_refused(merchant, "Basic dTpw")

    def test_nonsense_is_refused(self, merchant: Client) -> None:
        self.assert_refused(merchant, "Bearer nonsense")

    def test_expired_token_is_refused(self, merchant: Client, token_of: Callable[..., str]) -> None:
        expired = token_of(tenant="t-tokens", role="operator", subject="u-1", lifetime="-3600")
        self.assert_refused(merchant, f"Bearer {expired}")

    def test_token_for_another_audience_is_refused(self, merchant: Client, token_of: Callable[..., str]) -> None:
        foreign = token_of(tenant="t-tokens", role="operator", subject="u-1", audience="api://other")
        self.assert_refused(merchant, f"Bearer {foreign}")

    @pytest.mark.parametrize("algorithm", ["none", "None", "HS256"])
    def test_unsigned_token_is_refused(self, merchant: Client, good: str, algorithm: str) -> None:
        self.assert_refused(merchant, f"Bearer {unsigned(claims_of(good), algorithm)}")

    def test_changed_token_is_refused(self, merchant: Client, good: str) -> None:
        head, _, signature = good.split(".")
        body = unsigned(claims_of(good) | {"roles": ["admin"]}, "RS256").split(".")[1]
        self.assert_refused(merchant, f"Bearer {head}.{body}.{signature}")

    def test_missing_role_is_forbidden(self, client_of: ClientOf) -> None:
        carrier = client_of("t-tokens", "carrier", "u-9")
        assert_problem(carrier.post("/v1/orders", an_order("TEA")), 403)
