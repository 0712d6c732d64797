"""The stories of a user, as they and the merchant's operators see them."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
import requests

from sandbox.client import SHIP_TO, Client, an_order, expect
from sandbox.eventually import eventually
from tests.e2e.conftest import ClientOf, Endpoints

NEW_HOME = {"name": "Ada Lovelace", "line1": "Rua 2", "postalCode": "4000-001", "city": "Porto", "country": "PT"}


@pytest.fixture
def user_id() -> str:
    """A user that no other test knows."""
    return f"c-{uuid.uuid4().hex[:8]}"


def register(operator: Client, user_id: str, **changes: Any) -> dict[str, Any]:
    """The user once they are stored."""
    body = {"userId": user_id, "name": "Ada Lovelace", "email": f"{user_id}@example.com", "address": SHIP_TO}
    made = operator.post("/v1/users", body | changes)
    expect(made, 201, 202)
    return eventually(lambda: known(operator, user_id), within_s=20, what=f"user {user_id}")


def known(operator: Client, user_id: str) -> dict[str, Any] | None:
    answer = operator.get(f"/v1/users/{user_id}")
    return answer.json() if answer.status_code == 200 else None


def patch(client: Client, user_id: str, **changes: Any) -> dict[str, Any]:
    """The user after a change of the version that was read."""
    etag = client.get(f"/v1/users/{user_id}").headers["ETag"]
    return expect(client.call("PATCH", f"/v1/users/{user_id}", json=changes, headers={"If-Match": etag}), 200)


def codes(endpoints: Endpoints, address: str) -> list[str]:
    """The codes that were mailed to an address, oldest first."""
    found = requests.get(f"{endpoints['mail']}/messages", params={"to": address}, timeout=10).json()
    return re.findall(r"[\w.-]+\.[0-9A-Z]{16}\b", "\n".join(message["text"] for message in found))


def code(endpoints: Endpoints, address: str, count: int = 1) -> str:
    """The newest code, once there are so many."""

    def probe() -> list[str] | None:
        mailed = codes(endpoints, address)
        return mailed if len(mailed) >= count else None

    return eventually(probe, within_s=20, what=f"code number {count} for {address}")[-1]


def verify(operator: Client, user_id: str, told: str) -> int:
    """What somebody without a token is answered who tells this code."""
    url = f"{operator.api}/v1/users/{user_id}/verification"
    return requests.post(url, json={"code": told}, timeout=10).status_code


def ended(operator: Client, instance_id: str, within_s: float = 20) -> dict[str, Any]:
    """The workflow's status once it has completed."""

    def probe() -> dict[str, Any] | None:
        answer = operator.get(f"/v1/workflows/{instance_id}")
        return answer.json() if answer.status_code == 200 else None

    return eventually(probe, within_s=within_s, what=f"the end of {instance_id}")


def tenant_of(user: dict[str, Any]) -> str:
    return str(user["tenantId"])


def test_user_registers_and_verifies_the_email_address(operator: Client, endpoints: Endpoints, user_id: str) -> None:
    made = operator.post("/v1/users", {"userId": user_id, "name": "Ada", "email": f"{user_id}@example.com"})

    assert made.status_code == 201, made.text
    assert made.headers["Location"] == f"{operator.api}/v1/users/{user_id}"
    assert made.json()["status"] == "pending"
    mailed = code(endpoints, f"{user_id}@example.com")
    assert verify(operator, user_id, f"{mailed[:-16]}{'0' * 16}") == 409
    assert verify(operator, user_id, mailed) == 204
    assert expect(operator.get(f"/v1/users/{user_id}"), 200)["status"] == "verified"
    assert len(codes(endpoints, f"{user_id}@example.com")) == 1


def test_registration_is_a_workflow_that_holds_nothing_personal(
    operator: Client, client_of: ClientOf, endpoints: Endpoints, user_id: str
) -> None:
    key = uuid.uuid4().hex
    body = {"userId": user_id, "name": "Ada Lovelace", "email": f"{user_id}@example.com", "address": SHIP_TO}
    first = operator.post("/v1/users", body, key=key)
    mailed = code(endpoints, f"{user_id}@example.com")
    again = operator.post("/v1/users", body, key=key)
    assert (again.status_code, again.json()["userId"]) == (first.status_code, user_id)
    assert operator.post("/v1/users", {**body, "name": "Eve"}, key=key).status_code == 409
    assert verify(operator, user_id, mailed) == 204
    tenant = tenant_of(first.json())
    instances = [f"register:{tenant}:{user_id}:v9", f"register:{tenant}:{user_id}"]
    assert [operator.get(f"/v1/workflows/{instance}").status_code for instance in instances] == [404, 404]

    changed = patch(operator, user_id, email=f"{user_id}@example.org")
    assert changed["status"] == "pending"
    mailed = code(endpoints, f"{user_id}@example.org")
    instance = f"register:{tenant}:{user_id}:v3"
    assert verify(operator, user_id, mailed) == 204

    status = ended(operator, instance)
    assert status["output"] == {"status": "verified"}
    stranger = client_of(tenant, "customer", "c-eve")
    assert stranger.get(f"/v1/workflows/{instance}").status_code == 404
    history = operator.get(f"/v1/workflows/{instance}?showHistory=true&showHistoryOutput=true").text
    assert not [personal for personal in ("Lovelace", "example.", "Linden", mailed) if personal in history]


def test_email_address_belongs_to_one_user(operator: Client, user_id: str) -> None:
    register(operator, user_id)

    body = {"name": "Eve", "email": f"{user_id.upper()}@EXAMPLE.COM"}

    assert operator.post("/v1/users", body).status_code == 409


def test_users_see_and_change_themselves_and_nobody_else(operator: Client, client_of: ClientOf, user_id: str) -> None:
    tenant = tenant_of(register(operator, user_id))
    self, other = client_of(tenant, "customer", user_id), client_of(tenant, "customer", "c-eve")

    assert patch(self, user_id, name="Countess Lovelace")["name"] == "Countess Lovelace"
    assert other.get(f"/v1/users/{user_id}").status_code == 404
    assert self.get("/v1/users").status_code == 403
    late = self.call("PATCH", f"/v1/users/{user_id}", json={"name": "x"}, headers={"If-Match": '"stale"'})
    blind = self.call("PATCH", f"/v1/users/{user_id}", json={"name": "x"})
    assert (late.status_code, blind.status_code) == (412, 428)


def test_users_are_listed_page_by_page(client_of: ClientOf) -> None:
    operator = client_of(f"t-{uuid.uuid4().hex[:8]}")
    for number in range(3):
        register(operator, f"c-{number}")

    first = operator.get("/v1/users?limit=2")
    second = operator.get(re.search("<(.*)>", first.headers["Link"])[1])  # type: ignore[index]  # there is a link

    assert [user["userId"] for user in first.json()["items"] + second.json()["items"]] == ["c-0", "c-1", "c-2"]
    assert "continuation" not in second.json()


def test_new_address_reaches_the_orders_that_have_not_shipped(operator: Client, user_id: str, sku: str) -> None:
    operator.stock_up(sku, 5)
    register(operator, user_id)
    gone, waiting = (operator.place(an_order(sku, customer=user_id)) for _ in range(2))
    for order_id in (gone, waiting):
        operator.order_in(order_id, "confirmed")
    operator.deliver(gone)

    patch(operator, user_id, address=NEW_HOME)

    assert operator.happened(waiting, "address_changed")[0]["subject"] == "v1"
    assert operator.order(waiting)["status"] == "confirmed"
    patch(operator, user_id, address={"line1": "Rua 3"})
    assert [event["subject"] for event in operator.happened(waiting, "address_changed", 2)] == ["v1", "v2"]
    assert operator.deliver(waiting)["status"] == "delivered"
    assert "address_changed" not in [event["type"] for event in operator.timeline(gone)]


def test_order_placed_while_the_address_changes_is_not_missed(operator: Client, user_id: str, sku: str) -> None:
    operator.stock_up(sku, 9)
    register(operator, user_id)

    placed = [operator.place(an_order(sku, customer=user_id)) for _ in range(3)]
    patch(operator, user_id, address=NEW_HOME)  # before the view can know of the orders

    for order_id in placed:
        operator.happened(order_id, "address_changed")


def test_forgotten_user_leaves_orders_without_a_person(
    operator: Client, client_of: ClientOf, user_id: str, sku: str
) -> None:
    tenant = tenant_of(register(operator, user_id))
    order_id = operator.place(an_order(sku, customer=user_id, email=f"{user_id}@example.com"))
    operator.order_in(order_id, "rejected")
    self = client_of(tenant, "customer", user_id)

    started = expect(self.call("DELETE", f"/v1/users/{user_id}"), 202)

    assert operator.get(f"/v1/users/{user_id}").status_code == 404
    assert user_id not in [user["userId"] for user in expect(operator.get("/v1/users?limit=200"), 200)["items"]]
    assert expect(self.get(started["statusQueryGetUri"]), 200, 202)["name"] == "erase_user"
    operator.happened(order_id, "personal_data_erased")
    assert operator.order(order_id)["lines"][0]["quantity"] == 1
