"""Registration against real storage and real mail: once per key, once per e-mail address, and the same answer again."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from activities.record_verification import record_verification
from activities.send_mail import send_mail
from activities.store_user import store_user
from adapters import clients, mail
from adapters.cosmos import Container
from adapters.settings import settings
from domain.errors import Transient
from tests.integration.conftest import Mails
from tests.integration.people import ADA, BERLIN, Shop, a_user_step, mail_step, mailed, stored


async def test_repeat_registers_nobody_else_and_another_body_is_a_conflict(shop: Shop) -> None:
    first = await shop("POST", "/v1/users", ADA)
    again = await shop("POST", "/v1/users", ADA)

    assert (first.status, again.status, again.body) == (201, 201, first.body)
    assert len(shop.hub.started) == 1
    assert (await shop("POST", "/v1/users", {**ADA, "name": "Eve"})).status == 409


async def test_repeat_is_given_the_first_answer_whatever_has_become_of_the_user(shop: Shop) -> None:
    first = await shop.register(address=BERLIN)
    await mailed(shop)
    await shop.patch(name="Countess Lovelace", address=None)
    await shop("DELETE", "/v1/users/c-17")

    again = await shop.register(address=BERLIN)

    assert (again.status, again.body) == (first.status, first.body) == (201, again.body)
    assert (again.headers["ETag"], again.headers["Location"]) == (first.headers["ETag"], first.headers["Location"])
    assert (await shop("GET", "/v1/users/c-17")).status == 404


async def test_repeat_that_was_first_told_to_wait_is_told_so_again(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("triggers.user_registration._WAIT_S", 0.1)
    shop.hub.runs = False
    first = await shop.register()
    await shop.hub.run(first.body["id"])
    assert (await stored(shop)).name == "Ada"

    again = await shop.register()

    assert (again.status, again.body) == (first.status, first.body)
    assert again.headers["Location"] == first.headers["Location"]


async def test_requests_at_once_under_one_key_are_one_registration(shop: Shop) -> None:
    answers = await asyncio.gather(*(shop("POST", "/v1/users", ADA) for _ in range(4)))

    assert {answer.status for answer in answers} == {201}
    assert len({json.dumps(answer.body) for answer in answers}) == 1
    assert len(shop.hub.started) == 1


async def test_of_two_who_want_one_email_at_once_one_gets_it(shop: Shop) -> None:
    answers = await asyncio.gather(*(shop.register(f"c-{number}", email="same@example.com") for number in range(4)))

    assert sorted(answer.status for answer in answers) == [201, 409, 409, 409]
    assert len((await shop("GET", "/v1/users")).body["items"]) == 1


async def test_key_that_is_forgotten_stands_for_a_new_registration(shop: Shop) -> None:
    first = await shop.register()
    [told] = shop.hub.started.values()
    await forget_key(told["registration_key"])

    again = await shop.register(email="another@example.com")

    assert (first.status, again.status, len(shop.hub.started)) == (201, 409, 2)
    assert (await stored(shop)).email == "c-17@example.com"


async def test_email_belongs_to_one_user_of_a_tenant(shop: Shop) -> None:
    await shop.register("c-1", email="same@example.com")

    taken = await shop.register("c-2", email="Same@Example.com")
    elsewhere = Shop(f"{shop.tenant_id}-b")

    assert (taken.status, taken.body["type"]) == (409, "urn:waybill:problem:conflict")
    assert (await shop("GET", "/v1/users/c-2")).status == 404
    assert (await elsewhere.register("c-1", email="same@example.com")).status == 201


async def test_id_belongs_to_one_registration(shop: Shop) -> None:
    await shop.register("c-1")

    taken = await shop("POST", "/v1/users", {**ADA, "userId": "c-1"}, idempotency_key="another")

    assert taken.status == 409
    assert (await stored(shop, "c-1")).email == "c-1@example.com"


async def test_registration_that_takes_its_time_is_answered_with_where_to_look(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("triggers.user_registration._WAIT_S", 0.1)
    shop.hub.runs = False

    answer = await shop.register()

    assert answer.status == 202
    assert answer.body["userId"] == "c-17"
    assert answer.headers["Location"] == answer.body["statusQueryGetUri"]


async def test_nothing_personal_is_told_to_the_workflow_and_the_claim_forgets_it(shop: Shop) -> None:
    await shop.register(address=BERLIN)

    [told] = shop.hub.started.values()
    assert set(told) == {
        "name", "tenant_id", "user_id", "correlation_id", "verification_id", "registration_key",
    }  # fmt: skip
    claim = await Container("idempotency").read(told["registration_key"], told["registration_key"])
    assert claim["fields"] is None


async def test_storing_twice_stores_once_and_what_is_gone_is_not_made_up(shop: Shop) -> None:
    await shop.register()
    [(instance_id, told)] = shop.hub.started.items()

    assert await store_user(a_user_step(instance_id, told)) == {"outcome": "stored"}
    assert await store_user(a_user_step(instance_id, {**told, "registration_key": "none"})) == {
        "outcome": "registration_expired",
    }  # fmt: skip
    key = told["registration_key"]
    again = [{"op": "set", "path": "/fields", "value": {**ADA, "address": None}}]
    await Container("idempotency").patch(key, key, again)  # as if the run had ended before it forgot
    assert await store_user(a_user_step(instance_id, told)) == {"outcome": "stored"}
    assert (await stored(shop)).email == "c-17@example.com"


async def test_mail_leaves_the_version_that_the_first_answer_named(shop: Shop) -> None:
    made = await shop.register()
    await mailed(shop)
    await shop.verify(f"{shop.tenant_id}.WRONG")

    read = await shop("GET", "/v1/users/c-17")
    assert (read.headers["ETag"], read.body) == (made.headers["ETag"], made.body)
    changed = await shop("PATCH", "/v1/users/c-17", {"name": "Ada L."}, if_match=made.headers["ETag"])
    assert (changed.status, changed.headers["ETag"] != made.headers["ETag"]) == (200, True)


async def test_mail_server_that_is_down_is_waited_for(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    await shop.register()

    async def down(_: Any) -> None:
        raise Transient("down")

    monkeypatch.setattr(mail, "send", down)
    with pytest.raises(Transient):
        await mailed(shop)


async def test_day_of_the_code_begins_when_it_is_sent(shop: Shop) -> None:
    await shop.register()
    step = await mail_step(shop)
    first_tried = datetime.now(UTC) - timedelta(hours=20)

    await send_mail({**step, "at": first_tried.isoformat()})

    expires_at = (await stored(shop)).verification.expires_at
    assert expires_at
    assert expires_at > datetime.now(UTC) + timedelta(hours=23)


async def test_mailbox_that_is_refused_for_good_ends_the_verification(shop: Shop) -> None:
    await shop.register(email="refuse-550@example.com")
    step = await mail_step(shop)

    assert await send_mail(step) == {"outcome": "undeliverable"}
    assert await record_verification({**step, "timed_out": True}) == {"outcome": "expired"}
    assert (await shop.patch(email="later-451@example.com")).body["status"] == "pending"
    with pytest.raises(Transient):
        await send_mail(await mail_step(shop))


async def test_mailbox_may_have_a_name_in_any_script(shop: Shop, mails: Mails) -> None:
    await shop.register(email="jürgen@bücher.example")
    await mailed(shop)

    assert [message for message in mails(f"{shop.tenant_id}.") if "jürgen@bücher.example" in message["to"]]


async def forget_key(key: str) -> None:
    """What happens to a claim after 24 hours."""
    database = (await clients.cosmos()).get_database_client(settings().cosmos_database)
    await database.get_container_client("idempotency").delete_item(key, key)
