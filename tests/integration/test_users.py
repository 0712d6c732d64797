"""Users against real storage and real mail: their routes, their activities, and what reaches their orders."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import azure.functions as func
import pytest

from activities.book_shipment import book_shipment
from activities.change_address import change_address
from activities.erase_order import erase_order
from activities.find_user_orders import find_user_orders
from activities.record_shipment import record_shipment
from activities.record_transition import record_transition
from activities.record_verification import record_verification
from activities.send_mail import send_mail
from activities.store_user import store_user
from adapters import mail, orders, shipments, tokens, users, views
from adapters.cosmos import Container
from domain.callers import Caller, Role
from domain.errors import Transient
from domain.orders import Order, OrderStatus
from domain.returns import RequestReturn
from domain.users import User, UserStatus
from tests.integration.conftest import AnOrder, a_step
from triggers.change_feed.follow_users import follow_users
from triggers.change_feed.project_orders import project_orders
from triggers.http import ROUTES
from triggers.returning import Announcement, announce_once
from triggers.web.endpoint import endpoint

ADA = {"name": "Ada", "email": "ada@example.com"}
BERLIN = {"name": "Ada", "line1": "Linden 1", "postalCode": "10117", "city": "Berlin", "country": "DE"}
PORTO = {"name": "Ada", "line1": "Rua 2", "postalCode": "4000", "city": "Porto", "country": "PT"}
OFFER = {
    "TEA": {"unit_amount_minor": 1250, "warehouse": "berlin"},
    "MUG": {"unit_amount_minor": 900, "warehouse": "porto"},
}

Mails = Callable[[str], list[dict[str, Any]]]


class Hub:
    """A task hub that runs registrations as far as their first step, and remembers the rest."""

    def __init__(self) -> None:
        self.started: dict[str, dict[str, Any]] = {}
        self.shown: dict[str, tuple[Any, Any]] = {}
        self.heard: list[tuple[str, str]] = []
        self.runs = True

    async def start_new(self, name: str, instance_id: str, client_input: Any) -> str:
        if instance_id in self.started:
            raise RuntimeError("there is such an instance")
        self.started[instance_id] = {"name": name, **client_input}
        if self.runs and client_input.get("registration_key"):
            stored = await store_user(a_user_step(instance_id, client_input))
            outcome = stored["outcome"]
            refused = {"status": "refused", "reason": outcome}
            self.shown[instance_id] = ("welcoming", None) if outcome == "stored" else ("refused", refused)
        return instance_id

    async def get_status(self, instance_id: str, **_: bool) -> Any:
        if instance_id not in self.started:
            return None
        stage, output = self.shown.get(instance_id, ("storing", None))
        return SimpleNamespace(
            custom_status={"stage": stage}, output=output, runtime_status=SimpleNamespace(value="Running")
        )

    async def raise_event(self, instance_id: str, name: str, _data: Any) -> None:
        self.heard.append((instance_id, name))


def a_user_step(instance_id: str, about: dict[str, Any], **payload: Any) -> dict[str, Any]:
    """The payload of an activity for a user."""
    return {"instance_id": instance_id, "at": datetime.now(UTC).isoformat(), **about, **payload}


class Api:
    """`await api("GET", "/v1/users/u-1", as_="operator u-1")`: the function behind a route, within one tenant."""

    def __init__(self, tenant_id: str) -> None:
        self.tenant_id = tenant_id
        self.hub = Hub()

    async def __call__(
        self, method: str, path: str, body: Any = None, *, as_: str = "operator u-1", **headers: str
    ) -> Any:
        path, _, query = path.partition("?")
        pattern = re.sub(r"^/v1/users/[^/]+", "/v1/users/{userId}", path).lstrip("/")
        route = next(route for route in ROUTES if (route.method, route.path) == (method, pattern))
        request = func.HttpRequest(
            method,
            f"https://shop.example/api{path}",
            headers={
                "authorization": f"Bearer {self.tenant_id} {as_}",
                "content-type": "application/json",
                "idempotency-key": "k-1",
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
            params=dict(pair.split("=") for pair in query.split("&") if pair),
            route_params={"userId": path.split("/")[3]} if "{" in pattern else {},
            body=json.dumps(body).encode(),
        )
        response = await endpoint(route.handler, route.roles)(request, self.hub)  # type: ignore[arg-type]  # a stand-in
        text = response.get_body()
        return SimpleNamespace(
            status=response.status_code, body=json.loads(text) if text else None, headers=response.headers
        )

    async def register(self, user_id: str = "c-17", **changes: Any) -> Any:
        """A new user with an address of e-mail of their own, and their answer."""
        body = {**ADA, "email": f"{user_id}@example.com", "userId": user_id} | changes
        return await self("POST", "/v1/users", body, idempotency_key=f"k-{user_id}")


@pytest.fixture
def api(tenant_id: str, monkeypatch: pytest.MonkeyPatch) -> Api:
    async def verify(word: str) -> Caller:
        tenant, role, subject = word.split()
        return Caller(tenant, subject, frozenset({Role(role)}))

    monkeypatch.setattr(tokens, "verify", verify)
    return Api(tenant_id)


@pytest.fixture
def code_of(tenant_id: str, mails: Mails) -> Callable[[str], str]:
    """`code_of("c-17@example.com")`: the code in the newest mail to this address."""

    def read(address: str) -> str:
        [*_, newest] = [message for message in mails(f"{tenant_id}.") if address in json.dumps(message)]
        found = re.search(rf"{re.escape(tenant_id)}\.[0-9A-Z]{{16}}", json.dumps(newest))
        assert found
        return found[0]

    return read


async def mailed(api: Api, user_id: str = "c-17") -> dict[str, Any]:
    """Send the user the code that their verification asks for."""
    user = (await users.get(api.tenant_id, user_id)).value
    verification_id = user.verification.verification_id
    instance_id = f"register:{api.tenant_id}:{user_id}:{verification_id}"
    about = {"tenant_id": api.tenant_id, "user_id": user_id, "correlation_id": "corr-1"}
    step = a_user_step(instance_id, about, verification_id=verification_id)
    assert await send_mail(step) == {"outcome": "sent"}
    return step


async def stored(api: Api, user_id: str = "c-17") -> User:
    user = await users.find(api.tenant_id, user_id)
    assert user
    return user


async def test_registered_user_is_read_with_an_etag(api: Api) -> None:
    made = await api.register(address=BERLIN)

    assert made.status == 201
    assert made.headers["Location"].endswith("/api/v1/users/c-17")
    read = await api("GET", "/v1/users/c-17")
    assert (read.status, read.body, read.headers["ETag"]) == (200, made.body, made.headers["ETag"])
    assert read.body["address"] == BERLIN | {"line2": None}
    assert read.body["status"] == "pending"
    assert (await api("GET", "/v1/users/c-17", if_none_match=made.headers["ETag"])).status == 304


async def test_repeat_registers_nobody_else_and_another_body_is_a_conflict(api: Api) -> None:
    first = await api("POST", "/v1/users", ADA)
    again = await api("POST", "/v1/users", ADA)

    assert (first.status, again.status, again.body) == (201, 201, first.body)
    assert len(api.hub.started) == 1
    assert (await api("POST", "/v1/users", {**ADA, "name": "Eve"})).status == 409


async def test_email_belongs_to_one_user_of_a_tenant(api: Api) -> None:
    await api.register("c-1", email="same@example.com")

    taken = await api.register("c-2", email="Same@Example.com")
    elsewhere = Api(f"{api.tenant_id}-b")

    assert (taken.status, taken.body["type"]) == (409, "urn:waybill:problem:conflict")
    assert (await api("GET", "/v1/users/c-2")).status == 404
    assert (await elsewhere.register("c-1", email="same@example.com")).status == 201


async def test_id_belongs_to_one_registration(api: Api) -> None:
    await api.register("c-1")

    taken = await api("POST", "/v1/users", {**ADA, "userId": "c-1"}, idempotency_key="another")

    assert taken.status == 409
    assert (await stored(api, "c-1")).email == "c-1@example.com"


async def test_registration_that_takes_its_time_is_answered_with_where_to_look(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("triggers.user_registration._WAIT_S", 0.1)
    api.hub.runs = False

    answer = await api.register()

    assert answer.status == 202
    assert answer.body["userId"] == "c-17"
    assert answer.headers["Location"] == answer.body["statusQueryGetUri"]


async def test_nothing_personal_is_told_to_the_workflow_and_the_claim_forgets_it(api: Api) -> None:
    await api.register(address=BERLIN)

    [told] = api.hub.started.values()
    assert set(told) == {
        "name", "tenant_id", "user_id", "correlation_id", "verification_id", "registration_key",
    }  # fmt: skip
    claim = await Container("idempotency").read(told["registration_key"], told["registration_key"])
    assert claim["fields"] is None


async def test_storing_twice_stores_once_and_what_is_gone_is_not_made_up(api: Api) -> None:
    await api.register()
    [(instance_id, told)] = api.hub.started.items()

    assert await store_user(a_user_step(instance_id, told)) == {"outcome": "stored"}
    assert await store_user(a_user_step(instance_id, {**told, "registration_key": "none"})) == {
        "outcome": "registration_expired",
    }  # fmt: skip
    key = told["registration_key"]
    again = [{"op": "set", "path": "/fields", "value": {**ADA, "address": None}}]
    await Container("idempotency").patch(key, key, again)  # as if the run had ended before it forgot
    assert await store_user(a_user_step(instance_id, told)) == {"outcome": "stored"}
    assert (await stored(api)).email == "c-17@example.com"


async def test_users_are_listed_page_by_page_without_the_erased(api: Api) -> None:
    for number in range(4):
        await api.register(f"c-{number}")
    await api("DELETE", "/v1/users/c-1")

    first = await api("GET", "/v1/users?limit=2")
    second = await api("GET", f"/v1/users?limit=2&continuation={first.body['continuation']}".replace("==", "%3D%3D"))

    assert [user["userId"] for user in first.body["items"]] == ["c-0", "c-2"]
    assert 'rel="next"' in first.headers["Link"]
    assert [user["userId"] for user in second.body["items"]] == ["c-3"]
    assert "continuation" not in second.body


async def test_only_the_user_and_operators_see_a_user(api: Api) -> None:
    await api.register()

    assert (await api("GET", "/v1/users/c-17", as_="customer c-17")).status == 200
    assert (await api("GET", "/v1/users/c-17", as_="carrier c-17")).status == 200
    for method in ("GET", "PATCH", "DELETE"):
        assert (await api(method, "/v1/users/c-17", {}, as_="customer c-18", if_match="*")).status == 404
    assert (await api("POST", "/v1/users", ADA, as_="customer c-17")).status == 403
    assert (await api("GET", "/v1/users", as_="customer c-17")).status == 403
    assert (await Api(f"{api.tenant_id}-b")("GET", "/v1/users/c-17")).status == 404


async def test_change_needs_the_version_that_was_read(api: Api) -> None:
    etag = (await api.register()).headers["ETag"]
    path = "/v1/users/c-17"

    missing = await api("PATCH", path, {"name": "Ada L."})
    assert (missing.status, missing.body["type"]) == (428, "urn:waybill:problem:unconditional")
    assert "If-Match" in missing.body["detail"]
    changed = await api("PATCH", path, {"name": "Ada L."}, if_match=etag, content_type="application/merge-patch+json")
    assert (changed.status, changed.body["name"]) == (200, "Ada L.")
    assert (await api("GET", path)).headers["ETag"] == changed.headers["ETag"]
    assert (await api("PATCH", path, {"name": "Late"}, if_match=etag)).status == 412
    assert (await api("PATCH", path, {"name": "Ada"}, if_match="*")).status == 200


async def test_patch_points_at_what_is_wrong(api: Api) -> None:
    await api.register()

    async def pointers(patch: Any) -> tuple[int, set[str]]:
        answer = await api("PATCH", "/v1/users/c-17", patch, if_match="*")
        return answer.status, {error["pointer"] for error in answer.body.get("errors", ())}

    assert await pointers({"name": ""}) == (400, {"/name"})
    assert await pointers({"email": None}) == (400, {"/email"})
    assert await pointers({"status": None}) == (400, {"/status"})
    assert (await pointers({"address": {"city": "Berlin"}}))[0] == 400
    assert (await pointers(["name"]))[0] == 400
    assert (await api("PATCH", "/v1/users/c-17", {}, if_match="*", content_type="text/plain")).status == 415


async def test_email_of_another_user_cannot_be_taken(api: Api) -> None:
    await api.register("c-1")
    await api.register("c-2")

    assert (await api("PATCH", "/v1/users/c-2", {"email": "c-1@example.com"}, if_match="*")).status == 409
    assert (await stored(api, "c-2")).email == "c-2@example.com"


async def test_code_from_the_mail_verifies_and_wakes_the_workflow(api: Api, code_of: Callable[[str], str]) -> None:
    await api.register()
    step = await mailed(api)
    code = code_of("c-17@example.com")
    assert code not in json.dumps((await stored(api)).to_json())

    for _ in range(2):
        told = await api("POST", "/v1/users/c-17/verification", {"code": code}, authorization="")
        assert (told.status, told.body) == (204, None)

    assert (await stored(api)).status is UserStatus.VERIFIED
    assert (step["instance_id"], "verified") in api.hub.heard
    assert await record_verification({**step, "timed_out": False}) == {"outcome": "verified"}
    assert await record_verification({**step, "timed_out": True}) == {"outcome": "verified"}
    assert await send_mail(step) == {"outcome": "superseded"}


async def test_code_dies_after_five_wrong_attempts_however_many_come_at_once(
    api: Api, code_of: Callable[[str], str]
) -> None:
    await api.register()
    await mailed(api)
    wrong = {"code": f"{api.tenant_id}.WRONG"}

    async def guess() -> int:
        return int((await api("POST", "/v1/users/c-17/verification", wrong)).status)

    assert set(await asyncio.gather(*(guess() for _ in range(8)))) <= {409, 503}
    while (await stored(api)).verification.wrong_codes < 5:
        assert await guess() == 409
    right = await api("POST", "/v1/users/c-17/verification", {"code": code_of("c-17@example.com")})

    assert right.status == 409
    assert (await stored(api)).verification.wrong_codes == 5


async def test_a_wrong_code_tells_nothing_about_who_exists(api: Api) -> None:
    await api.register()
    await mailed(api)

    answers = [
        await api("POST", f"/v1/users/{user_id}/verification", {"code": code})
        for user_id in ("c-17", "nobody")
        for code in (f"{api.tenant_id}.WRONG", "nowhere.WRONG", "WRONG", "../x.WRONG")
    ]

    told = {(answer.status, answer.body["type"], answer.body["detail"]) for answer in answers}
    assert len(told) == 1
    assert told.pop()[0] == 409


async def test_second_mail_has_another_code_and_the_newest_counts(api: Api, code_of: Callable[[str], str]) -> None:
    await api.register()
    await mailed(api)
    first = code_of("c-17@example.com")
    await mailed(api)
    second = code_of("c-17@example.com")

    assert first != second
    assert (await api("POST", "/v1/users/c-17/verification", {"code": first})).status == 409
    assert (await api("POST", "/v1/users/c-17/verification", {"code": second})).status == 204


async def test_user_who_is_late_expires_and_may_ask_for_another_code(api: Api, code_of: Callable[[str], str]) -> None:
    await api.register()
    step = await mailed(api)
    assert await record_verification({**step, "timed_out": False}) == {"outcome": "pending"}
    for _ in range(2):
        assert await record_verification({**step, "timed_out": True}) == {"outcome": "expired"}
    late = await api("POST", "/v1/users/c-17/verification", {"code": code_of("c-17@example.com")})
    assert late.status == 409

    await api("PATCH", "/v1/users/c-17", {"email": "c-17@example.com"}, if_match="*")
    await follow_users(await feed("users", api.tenant_id), api.hub)  # type: ignore[arg-type]  # a stand-in

    verification_id = (await stored(api)).verification.verification_id
    assert f"register:{api.tenant_id}:c-17:{verification_id}" in api.hub.started
    await mailed(api)
    right = await api("POST", "/v1/users/c-17/verification", {"code": code_of("c-17@example.com")})
    assert right.status == 204
    assert await record_verification({**step, "timed_out": True}) == {"outcome": "superseded"}


async def test_mail_server_that_is_down_is_waited_for(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await api.register()

    async def down(_: Any) -> None:
        raise Transient("down")

    monkeypatch.setattr(mail, "send", down)
    with pytest.raises(Transient):
        await mailed(api)


async def feed(container: str, tenant_id: str, key: list[str] | None = None) -> func.DocumentList:
    """The documents of a partition, as the feed delivers them."""
    rows = Container(container).query("SELECT * FROM c", key=key or [tenant_id])
    return func.DocumentList([func.Document.from_dict({**row, "_lsn": 7}) async for row in rows])


async def test_feed_starts_each_thing_that_a_user_asks_for_once(api: Api) -> None:
    await api.register()
    await api("PATCH", "/v1/users/c-17", {"address": PORTO}, if_match="*")
    for _ in range(2):
        await follow_users(await feed("users", api.tenant_id), api.hub)  # type: ignore[arg-type]  # a stand-in
    await api("DELETE", "/v1/users/c-17")
    await follow_users(await feed("users", api.tenant_id), api.hub)  # type: ignore[arg-type]  # a stand-in

    kinds = [told["name"] for told in api.hub.started.values()]
    assert kinds == ["register_user", "propagate_address", "erase_user"]
    assert f"address:{api.tenant_id}:c-17:v1" in api.hub.started


async def test_document_that_is_no_user_is_parked(api: Api) -> None:
    broken = func.Document.from_dict({"id": "u-x", "tenantId": api.tenant_id, "_lsn": 7})

    await follow_users(func.DocumentList([broken]), api.hub)  # type: ignore[arg-type]  # a stand-in

    letter = await Container("operations").read("follow_users:u-x:7", api.tenant_id)
    assert letter["payload"]["container"] == "users"


async def confirmed(order: Order) -> None:
    """Bring the order to `confirmed`, paid."""
    held = {"kind": "authorisation", "provider_id": "pi_1", "amount_minor": 3400, "currency": "EUR"}
    key = f"fulfil:{order.tenant_id}:{order.order_id}:authorise_payment"
    await record_transition(a_step(order, to="reserved", offers=OFFER))
    await record_transition(a_step(order, to="confirmed", movement={**held, "key": key}))


def about(order: Order) -> dict[str, Any]:
    told = {"tenant_id": order.tenant_id, "user_id": "c-17", "order_id": order.order_id, "correlation_id": "corr-2"}
    return a_user_step("address:x:c-17:v1", told)


async def test_new_address_reaches_an_order_and_its_waiting_parcel_but_not_the_one_that_left(
    api: Api, an_order: AnOrder
) -> None:
    order = await an_order(("TEA", 2), ("MUG", 1))
    await confirmed(order)
    first, second = (f"{order.order_id}-{number}" for number in (1, 2))
    for parcel_id in (first, second):
        await book_shipment(a_step(order, shipment_id=parcel_id))
    await record_shipment(a_step(order, shipment_id=first, to="shipped", actor="carrier-1"))
    await api.register(address=BERLIN)
    assert await change_address(about(order)) == {"outcome": "unchanged"}
    await api("PATCH", "/v1/users/c-17", {"address": PORTO}, if_match="*")

    outcomes = [await change_address(about(order)) for _ in range(2)]

    assert outcomes == [{"outcome": "changed"}, {"outcome": "unchanged"}]
    after = (await orders.get(order.tenant_id, order.order_id)).value
    assert (after.ship_to.city, after.address_version, after.status) == ("Porto", 1, "partially_shipped")
    parcels = {
        stored.value.shipment_id: stored.value for stored in await shipments.of_order(order.tenant_id, order.order_id)
    }
    assert (parcels[first].ship_to.city, parcels[second].ship_to.city) == ("Berlin", "Porto")
    timeline = await orders.timeline(order.tenant_id, order.order_id)
    assert [event.actor for event in timeline if event.name == "address_changed:v1"] == ["propagate_address"]


async def test_two_runs_at_once_change_an_order_once(api: Api, an_order: AnOrder) -> None:
    order = await an_order()
    await api.register()
    await api("PATCH", "/v1/users/c-17", {"address": PORTO}, if_match="*")

    await asyncio.gather(*(change_address(about(order)) for _ in range(3)), return_exceptions=True)

    timeline = await orders.timeline(order.tenant_id, order.order_id)
    assert [event.name for event in timeline] == ["placed", "address_changed:v1"]


async def test_orders_are_found_by_status_page_by_page(
    api: Api, an_order: AnOrder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules[find_user_orders.__module__], "PAGE", 2)
    order = await an_order()
    for number, status in enumerate(map(OrderStatus, ("confirmed", "confirmed", "delivered", "pending"))):
        await views.put_order(order.tenant_id, order.model_copy(update={"order_id": f"o-{number}", "status": status}))
    given = {**about(order), "statuses": ["pending", "confirmed"]}

    first = await find_user_orders(given)
    second = await find_user_orders({**given, "before": first["next"]})

    assert (first["order_ids"], first["next"]) == (["o-3", "o-1"], "o-1")
    assert (second["order_ids"], second["next"]) == (["o-0"], None)


async def test_order_that_a_sweep_missed_is_caught_up_by_its_row(api: Api, an_order: AnOrder) -> None:
    order = await an_order()
    await api.register()

    async def project() -> list[str]:
        documents = await feed("orders", order.tenant_id, [order.tenant_id, order.order_id])
        await project_orders(documents, api.hub)  # type: ignore[arg-type]  # a stand-in
        return [instance_id for instance_id in api.hub.started if not instance_id.startswith("register:")]

    assert await project() == []
    await api("PATCH", "/v1/users/c-17", {"address": PORTO}, if_match="*")
    assert await project() == [f"address:{api.tenant_id}:c-17:v1:{order.order_id}"]
    await change_address(about(order))
    assert len(await project()) == 1
    await api("DELETE", "/v1/users/c-17")
    assert (await project())[1:] == [f"erase:{api.tenant_id}:c-17", f"erase:{api.tenant_id}:c-17:{order.order_id}"]


async def test_erased_user_is_gone_at_once_and_the_email_is_free(api: Api) -> None:
    await api.register(address=BERLIN)

    first = await api("DELETE", "/v1/users/c-17", as_="customer c-17")
    again = await api("DELETE", "/v1/users/c-17")

    assert (first.status, again.status, again.body) == (202, 202, first.body)
    assert first.body["id"] == f"erase:{api.tenant_id}:c-17"
    document = json.dumps(await Container("users").read("c-17", [api.tenant_id]))
    assert not [personal for personal in ("Ada", "example.com", "Linden", "Berlin") if personal in document]
    assert (await api("GET", "/v1/users/c-17")).status == 404
    assert (await api("PATCH", "/v1/users/c-17", {"name": "x"}, if_match="*")).status == 404
    assert (await api.register("c-18", email="c-17@example.com")).status == 201
    assert (await api("POST", "/v1/users", {**ADA, "userId": "c-17"}, idempotency_key="anew")).status == 409
    assert (await api("DELETE", "/v1/users/nobody")).status == 404


async def test_order_is_erased_once_it_has_ended_with_everything_beside_it(api: Api, an_order: AnOrder) -> None:
    order = await an_order(("TEA", 2), email="ada@example.com", reference="for Ada")
    await confirmed(order)
    parcel_id = f"{order.order_id}-1"
    await book_shipment(a_step(order, shipment_id=parcel_id))
    assert await erase_order(about(order)) == {"outcome": "under_way"}
    for status in ("shipped", "delivered"):
        await record_shipment(a_step(order, shipment_id=parcel_id, to=status, actor="carrier-1"))
    wish = {"lines": [{"sku": "TEA", "quantity": 1}], "reason": "Ada has moved"}
    await announce(order, wish)

    outcomes = [await erase_order(about(order)) for _ in range(2)]
    await views.put_order(order.tenant_id, (await orders.get(order.tenant_id, order.order_id)).value)

    assert outcomes == [{"outcome": "erased"}, {"outcome": "already_erased"}]
    partition = [order.tenant_id, order.order_id]
    rows = [row async for row in Container("orders").query("SELECT * FROM c", key=partition)]
    rows += [row async for row in Container("views").query("SELECT * FROM c", key=[order.tenant_id])]
    left = json.dumps(rows)
    assert not [personal for personal in ("Ada", "ada@", "Linden", "10117", "Berlin") if personal in left]
    after = (await orders.get(*partition)).value
    assert (after.total_minor, after.lines[0].quantity, after.ship_to.country) == (2500, 2, "DE")


async def announce(order: Order, wish: dict[str, Any]) -> None:
    """A return that its customer has explained."""
    request = RequestReturn.model_validate_json(json.dumps(wish))
    told = Announcement(order.tenant_id, order.order_id, f"{order.order_id}-r1", request, "c-17", "corr-3")
    await announce_once(Hub(), told)  # type: ignore[arg-type]  # a stand-in


async def test_verification_of_somebody_who_is_gone_is_superseded(api: Api) -> None:
    await api.register()
    step = await mailed(api)
    await api("DELETE", "/v1/users/c-17")

    assert await record_verification({**step, "timed_out": True}) == {"outcome": "superseded"}
    assert await record_verification({**step, "user_id": "nobody", "timed_out": True}) == {"outcome": "superseded"}
    assert await send_mail(step) == {"outcome": "superseded"}


async def test_user_who_keeps_changing_is_tried_again_later(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    await api.register()
    later = datetime.now(UTC) + timedelta(hours=1)

    def decide(user: User) -> User:
        return user.model_copy(update={"updated_at": later})

    async def moved_on(tenant_id: str, user: User, etag: str) -> str:
        return await replace(tenant_id, user, '"stale"')

    replace = users.replace
    monkeypatch.setattr(users, "replace", moved_on)
    with pytest.raises(Transient):
        await users.change(api.tenant_id, "c-17", decide)
