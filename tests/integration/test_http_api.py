"""Every route with real storage behind it: who may do what, and what they are told.

The token is a word (`tenant role subject`) and the task hub is a stand-in; the end-to-end tests use the real ones.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from adapters import views
from domain.orders import OrderStatus
from tests.integration.api import Api
from tests.integration.conftest import AnOrder, an_order_request


async def test_placed_order_is_read_by_its_customer_and_by_nobody_else(api: Api, tenant_id: str) -> None:
    body = an_order_request(("TEA", 2)).model_dump(mode="json", by_alias=True)
    placed = await api("POST", "/v1/orders", body, as_=f"{tenant_id} customer c-17")
    assert placed.status == 202
    order = urlsplit(placed.body["order"]).path.removeprefix("/api")

    read = await api("GET", order, as_=f"{tenant_id} customer c-17")

    assert (read.status, read.body["status"], read.body["totalMinor"]) == (200, "pending", None)
    assert not {"email", "paymentMethod", "shipTo"} & set(read.body)
    assert (await api("GET", order, as_=f"{tenant_id} customer c-17", if_none_match=read.headers["ETag"])).status == 304
    for stranger in (f"{tenant_id} customer c-18", f"{tenant_id}-b operator u-1"):
        assert (await api("GET", order, as_=stranger)).status == 404
        assert (await api("GET", f"{order}/timeline", as_=stranger)).status == 404
    items = (await api("GET", f"{order}/timeline", as_=f"{tenant_id} operator u-1")).body["items"]
    assert [(item["type"], item["actor"]) for item in items] == [("placed", "c-17")]


async def test_customer_cannot_order_for_another(api: Api, tenant_id: str) -> None:
    body = an_order_request().model_dump(mode="json", by_alias=True)

    assert (await api("POST", "/v1/orders", body, as_=f"{tenant_id} customer c-18")).status == 403
    assert api.hub.done == []


async def test_product_is_made_changed_and_protected_by_its_etag(api: Api, tenant_id: str) -> None:
    operator = f"{tenant_id} operator u-1"
    tea = {"name": "Tea", "unitAmountMinor": 1250, "currency": "EUR", "warehouse": "berlin"}

    made = await api("PUT", "/v1/products/TEA", tea, as_=operator)
    assert (made.status, made.body["onHand"], made.body["reserved"]) == (201, 0, 0)
    adjusted = await api("POST", "/v1/products/TEA/stock", {"delta": 4, "reason": "goods in"}, as_=operator)
    assert (adjusted.status, adjusted.body) == (200, {"sku": "TEA", "onHand": 4, "reserved": 0})
    read = await api("GET", "/v1/products/TEA", as_=f"{tenant_id} customer c-17")
    assert read.headers["ETag"] != made.headers["ETag"]

    changed = await api("PUT", "/v1/products/TEA", tea | {"name": "T"}, as_=operator, if_match=made.headers["ETag"])
    assert (changed.status, changed.body["name"], changed.body["onHand"]) == (200, "T", 4)
    stale = await api("PUT", "/v1/products/TEA", tea, as_=operator, if_match=read.headers["ETag"])
    assert stale.status == 412
    assert (await api("PUT", "/v1/products/a%20b", tea, as_=operator)).status == 400


async def test_put_heeds_every_form_of_its_conditions(api: Api, tenant_id: str) -> None:
    operator = f"{tenant_id} operator u-1"
    tea = {"name": "Tea", "unitAmountMinor": 1250, "currency": "EUR", "warehouse": "berlin"}

    async def put(**condition: str) -> Any:
        return await api("PUT", "/v1/products/TEA", tea, as_=operator, **condition)

    assert (await put(if_match="*")).status == 412
    made = await put(if_none_match="*")
    assert made.status == 201
    assert (await put(if_none_match="*")).status == 412
    changed = await put(if_match=f'"other", {made.headers["ETag"]}')
    assert changed.status == 200
    assert (await put(if_match="*")).status == 200
    assert (await put(if_match=f"W/{changed.headers['ETag']}")).status == 412


async def test_order_whose_workflow_has_not_begun_is_cancelled_a_moment_later(
    api: Api, tenant_id: str, an_order: AnOrder
) -> None:
    order = await an_order()
    path, owner = f"/v1/orders/{order.order_id}/cancel", f"{tenant_id} customer c-17"

    api.hub.status = None
    early = await api("POST", path, {}, as_=owner)
    api.hub.status = "Completed"
    late = await api("POST", path, {}, as_=owner)

    assert (early.status, early.headers["Retry-After"], late.status) == (503, "1", 409)
    assert late.body["detail"] == f"workflow fulfil:{tenant_id}:{order.order_id} has ended"


async def test_settings_heed_every_form_of_if_match(api: Api, tenant_id: str) -> None:
    async def put(**condition: str) -> Any:
        return await api("PUT", "/v1/settings", {"returnDays": 14}, as_=f"{tenant_id} admin u-1", **condition)

    assert (await put(if_match="*")).status == 412  # there are none yet
    made = await put()
    assert (await put(if_match=f'"other", {made.headers["ETag"]}')).status == 200
    assert (await put(if_match=made.headers["ETag"])).status == 412
    assert (await put(if_match="*")).status == 200


async def test_order_that_is_none_and_one_of_others_are_told_alike(api: Api, tenant_id: str, an_order: AnOrder) -> None:
    order = await an_order()
    stranger = f"{tenant_id} customer c-18"

    others = await api("GET", f"/v1/orders/{order.order_id}", as_=stranger)
    none = await api("GET", "/v1/orders/o-none", as_=stranger)

    assert (others.status, none.status) == (404, 404)
    assert others.body["detail"].replace(order.order_id, "X") == none.body["detail"].replace("o-none", "X")


async def test_detail_of_a_missing_product_speaks_the_callers_language(api: Api, tenant_id: str) -> None:
    operator = f"{tenant_id} operator u-1"

    for missing in (
        await api("GET", "/v1/products/NONE", as_=operator),
        await api("POST", "/v1/products/NONE/stock", {"delta": 1, "reason": "found"}, as_=operator),
    ):
        assert (missing.status, missing.body["detail"]) == (404, "there is no product NONE")


async def test_list_is_a_customers_own_or_the_whole_tenants(api: Api, tenant_id: str, an_order: AnOrder) -> None:
    order = await an_order()
    await views.put_order(tenant_id, order)
    await views.put_order(tenant_id, order.model_copy(update={"order_id": "o-other", "customer_id": "c-18"}))

    async def listed(path: str, as_: str) -> Any:
        reply = await api("GET", path, as_=f"{tenant_id} {as_}")
        return [item["customerId"] for item in reply.body["items"]] if reply.status == 200 else reply.status

    assert await listed("/v1/orders", "customer c-17") == ["c-17"]
    assert await listed("/v1/orders?customerId=c-17", "customer c-17") == ["c-17"]
    assert await listed("/v1/orders?customerId=c-18", "customer c-17") == 403
    assert sorted(await listed("/v1/orders", "operator u-1")) == ["c-17", "c-18"]
    assert await listed("/v1/orders?customerId=c-18", "operator u-1") == ["c-18"]
    assert await listed(f"/v1/orders?status={OrderStatus.SHIPPED}", "operator u-1") == []
    assert await listed("/v1/orders?status=lost", "operator u-1") == 400
    assert await listed("/v1/orders?customerId=a+b", "operator u-1") == 400


async def test_page_of_a_list_leads_to_the_next(api: Api, tenant_id: str, an_order: AnOrder) -> None:
    order = await an_order()
    for number in range(3):
        await views.put_order(tenant_id, order.model_copy(update={"order_id": f"o-{number}"}))

    first = await api("GET", "/v1/orders?limit=2", as_=f"{tenant_id} operator u-1")
    following = first.headers["Link"].partition(">")[0].removeprefix("<https://shop.example/api")
    second = await api("GET", following, as_=f"{tenant_id} operator u-1")

    assert [item["orderId"] for item in first.body["items"]] == ["o-2", "o-1"]
    assert [item["orderId"] for item in second.body["items"]] == ["o-0"]
    assert "continuation" not in second.body


class TestWorkflows:
    """The operations that the check-status payload names."""

    @pytest.fixture
    async def workflow(self, an_order: AnOrder, tenant_id: str) -> str:
        order = await an_order()
        return f"/v1/workflows/fulfil:{tenant_id}:{order.order_id}"

    async def test_workflow_under_way_is_told_as_the_host_tells_it(
        self, api: Api, tenant_id: str, workflow: str
    ) -> None:
        reply = await api("GET", workflow, as_=f"{tenant_id} customer c-17")

        assert (reply.status, reply.headers["Location"]) == (202, f"https://shop.example/api{workflow}")
        assert reply.body == {
            "name": "fulfil_order",
            "instanceId": workflow.removeprefix("/v1/workflows/"),
            "runtimeStatus": "Running",
            "input": "{}",
            "customStatus": {"stage": "charging"},
            "output": None,
            "createdTime": "2026-11-02T10:00:05Z",
            "lastUpdatedTime": "2026-11-02T10:00:05Z",
        }

    async def test_ended_workflow_is_told_with_200(self, api: Api, tenant_id: str, workflow: str) -> None:
        api.hub.status = "Completed"

        assert (await api("GET", workflow, as_=f"{tenant_id} operator u-1")).status == 200

    async def test_workflow_of_others_does_not_exist(self, api: Api, tenant_id: str, workflow: str) -> None:
        assert (await api("GET", workflow, as_=f"{tenant_id} customer c-18")).status == 404
        assert (await api("GET", workflow, as_=f"{tenant_id}-b operator u-1")).status == 404
        assert (await api("GET", "/v1/workflows/@entity@key", as_=f"{tenant_id} operator u-1")).status == 404
        api.hub.status = None
        assert (await api("GET", workflow, as_=f"{tenant_id} operator u-1")).status == 404

    @pytest.mark.parametrize("operation", ["terminate", "suspend", "resume"])
    async def test_operator_steers_a_workflow_under_way(
        self, api: Api, tenant_id: str, workflow: str, operation: str
    ) -> None:
        reply = await api("POST", f"{workflow}/{operation}?reason=why", as_=f"{tenant_id} operator u-1")

        assert (reply.status, reply.body) == (202, None)
        assert api.hub.done == [(operation, workflow.removeprefix("/v1/workflows/"), "why")]

    async def test_event_is_sent_with_any_json(self, api: Api, tenant_id: str, workflow: str) -> None:
        path = f"{workflow}/raiseEvent/cancel"

        assert (await api("POST", path, [1, {"a": None}], as_=f"{tenant_id} operator u-1")).status == 202
        assert api.hub.done[0][2:] == ("cancel", [1, {"a": None}])

    @pytest.mark.parametrize("event", ["approval", "replay", "cancelled"])
    async def test_word_that_takes_another_role_is_not_said_by_an_operator(
        self, api: Api, tenant_id: str, workflow: str, event: str
    ) -> None:
        said = await api("POST", f"{workflow}/raiseEvent/{event}", {"approved": True}, as_=f"{tenant_id} operator u-1")

        assert (said.status, api.hub.done) == (403, [])
        assert said.body["detail"].startswith(f"{event} is said by ")

    async def test_event_is_said_in_the_callers_own_name(self, api: Api, tenant_id: str, workflow: str) -> None:
        word = {"note": "x", "actor": "somebody else"}

        await api("POST", f"{workflow}/raiseEvent/cancel", word, as_=f"{tenant_id} operator u-1")

        assert api.hub.done[0][2:] == ("cancel", {"note": "x", "actor": "u-1"})

    async def test_history_tells_the_merchants_limits_and_is_for_operators(
        self, api: Api, tenant_id: str, workflow: str
    ) -> None:
        path = f"{workflow}?showHistory=true"

        assert (await api("GET", path, as_=f"{tenant_id} customer c-17")).status == 403
        assert (await api("GET", path, as_=f"{tenant_id} operator u-1")).status == 202

    @pytest.mark.parametrize(
        ("method", "operation", "running", "failed"),
        [
            ("POST", "/terminate", 202, 410),
            ("POST", "/suspend", 202, 410),
            ("POST", "/resume", 202, 410),
            ("POST", "/raiseEvent/e", 202, 410),
            ("POST", "/rewind", 412, 202),
            ("DELETE", "", 412, 200),
        ],
    )
    async def test_state_decides_what_can_be_done(
        self, api: Api, tenant_id: str, workflow: str, method: str, operation: str, running: int, failed: int
    ) -> None:
        assert (await api(method, workflow + operation, as_=f"{tenant_id} admin u-1")).status == running
        api.hub.status = "Failed"
        assert (await api(method, workflow + operation, as_=f"{tenant_id} admin u-1")).status == failed

    async def test_customer_reads_and_does_not_steer(self, api: Api, tenant_id: str, workflow: str) -> None:
        owner, operator = f"{tenant_id} customer c-17", f"{tenant_id} operator u-1"

        assert (await api("POST", f"{workflow}/terminate", as_=owner)).status == 403
        assert (await api("DELETE", workflow, as_=operator)).status == 403
        assert api.hub.done == []


async def test_health_is_for_anyone(api: Api) -> None:
    assert (await api("GET", "/health/live")).body == {"status": "up"}
    ready = await api("GET", "/health/ready")
    assert (ready.status, ready.body["status"]) == (200, "up")
