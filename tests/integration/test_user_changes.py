"""Users as they are read, listed and changed: by whom, in which version, and what the change feed makes of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import azure.functions as func
import pytest

from adapters import users
from adapters.cosmos import Container
from domain.errors import Transient
from domain.users import User
from tests.integration.people import ADA, BERLIN, PORTO, Shop, stored
from triggers.change_feed.follow_users import follow_users


async def test_registered_user_is_read_with_an_etag(shop: Shop) -> None:
    made = await shop.register(address=BERLIN)

    assert made.status == 201
    assert made.headers["Location"].endswith("/api/v1/users/c-17")
    read = await shop("GET", "/v1/users/c-17")
    assert (read.status, read.body, read.headers["ETag"]) == (200, made.body, made.headers["ETag"])
    assert read.body["address"] == BERLIN | {"line2": None}
    assert read.body["status"] == "pending"
    assert (await shop("GET", "/v1/users/c-17", if_none_match=made.headers["ETag"])).status == 304


async def test_users_are_listed_page_by_page_without_the_erased(shop: Shop) -> None:
    for number in range(4):
        await shop.register(f"c-{number}")
    await shop("DELETE", "/v1/users/c-1")

    first = await shop("GET", "/v1/users?limit=2")
    second = await shop("GET", f"/v1/users?limit=2&continuation={first.body['continuation']}".replace("==", "%3D%3D"))

    assert [user["userId"] for user in first.body["items"]] == ["c-0", "c-2"]
    assert 'rel="next"' in first.headers["Link"]
    assert [user["userId"] for user in second.body["items"]] == ["c-3"]
    assert "continuation" not in second.body


async def test_only_the_user_and_operators_see_a_user(shop: Shop) -> None:
    await shop.register()

    assert (await shop("GET", "/v1/users/c-17", as_="customer c-17")).status == 200
    assert (await shop("GET", "/v1/users/c-17", as_="carrier c-17")).status == 200
    for method in ("GET", "PATCH", "DELETE"):
        assert (await shop(method, "/v1/users/c-17", {}, as_="customer c-18", if_match="*")).status == 404
    assert (await shop("POST", "/v1/users", ADA, as_="customer c-17")).status == 403
    assert (await shop("GET", "/v1/users", as_="customer c-17")).status == 403
    assert (await Shop(f"{shop.tenant_id}-b")("GET", "/v1/users/c-17")).status == 404


async def test_whoever_may_erase_themselves_may_follow_it(shop: Shop) -> None:
    await shop.register("boss-1")

    started = await shop("DELETE", "/v1/users/boss-1", as_="approver boss-1")

    path = started.headers["Location"].partition("/api")[2]
    assert (await shop("GET", path, as_="approver boss-1")).status == 202
    assert (await shop("GET", path, as_="approver boss-2")).status == 404


async def test_change_needs_the_version_that_was_read(shop: Shop) -> None:
    etag = (await shop.register()).headers["ETag"]
    path = "/v1/users/c-17"

    missing = await shop("PATCH", path, {"name": "Ada L."})
    assert (missing.status, missing.body["type"]) == (428, "urn:waybill:problem:unconditional")
    assert "If-Match" in missing.body["detail"]
    changed = await shop("PATCH", path, {"name": "Ada L."}, if_match=etag, content_type="application/merge-patch+json")
    assert (changed.status, changed.body["name"]) == (200, "Ada L.")
    assert (await shop("GET", path)).headers["ETag"] == changed.headers["ETag"]
    assert (await shop("PATCH", path, {"name": "Late"}, if_match=etag)).status == 412
    assert (await shop("PATCH", path, {"name": "Ada"}, if_match="*")).status == 200


async def test_change_that_was_stored_and_never_answered_is_found_done(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    etag = (await shop.register()).headers["ETag"]
    replace = Container.replace

    async def repeated(container: Container, document: dict[str, Any], etag: str) -> str:
        await replace(container, document, etag)
        return await replace(container, document, etag)  # as the SDK does when the connection was cut

    monkeypatch.setattr(Container, "replace", repeated)
    changed = await shop("PATCH", "/v1/users/c-17", {"name": "Ada L."}, if_match=etag)

    assert (changed.status, changed.body["name"]) == (200, "Ada L.")
    assert (await stored(shop)).version == 2


async def test_patch_points_at_what_is_wrong(shop: Shop) -> None:
    await shop.register()

    async def pointers(patch: Any) -> tuple[int, set[str]]:
        answer = await shop("PATCH", "/v1/users/c-17", patch, if_match="*")
        return answer.status, {error["pointer"] for error in answer.body.get("errors", ())}

    assert await pointers({"name": ""}) == (400, {"/name"})
    assert await pointers({"email": None}) == (400, {"/email"})
    assert await pointers({"status": None}) == (400, {"/status"})
    assert (await pointers({"address": {"city": "Berlin"}}))[0] == 400
    assert (await pointers(["name"]))[0] == 400
    assert (await shop("PATCH", "/v1/users/c-17", {}, if_match="*", content_type="text/plain")).status == 415


async def test_email_of_another_user_cannot_be_taken(shop: Shop) -> None:
    await shop.register("c-1")
    await shop.register("c-2")

    assert (await shop("PATCH", "/v1/users/c-2", {"email": "c-1@example.com"}, if_match="*")).status == 409
    assert (await stored(shop, "c-2")).email == "c-2@example.com"


async def test_user_who_keeps_changing_is_tried_again_later(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    await shop.register()
    later = datetime.now(UTC) + timedelta(hours=1)

    def decide(user: User) -> User:
        return user.model_copy(update={"updated_at": later})

    async def moved_on(tenant_id: str, user: User, etag: str) -> str:
        return await replace(tenant_id, user, '"stale"')

    replace = users.replace
    monkeypatch.setattr(users, "replace", moved_on)
    with pytest.raises(Transient):
        await users.change(shop.tenant_id, "c-17", decide)


async def test_feed_starts_each_thing_that_a_user_asks_for_once(shop: Shop) -> None:
    await shop.register()
    await shop.patch(address=PORTO)
    for _ in range(2):
        await shop.follow()
    await shop("DELETE", "/v1/users/c-17")
    await shop.follow()

    kinds = [told["name"] for told in shop.hub.started.values()]
    assert kinds == ["register_user", "propagate_address", "erase_user"]
    assert f"address:{shop.tenant_id}:c-17:v1" in shop.hub.started


async def test_document_that_is_no_user_is_parked(shop: Shop) -> None:
    broken = func.Document.from_dict({"id": "u-x", "tenantId": shop.tenant_id, "_lsn": 7})

    await follow_users(func.DocumentList([broken]), shop.hub)  # type: ignore[arg-type]  # a stand-in

    letter = await Container("operations").read("follow_users:u-x:7", shop.tenant_id)
    assert letter["payload"]["container"] == "users"
