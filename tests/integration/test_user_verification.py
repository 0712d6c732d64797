"""Verification of e-mail addresses by real mail: the right code, wrong ones, late ones, and whom they are for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import pytest

from activities.record_verification import record_verification
from activities.send_mail import send_mail
from domain.users import UserStatus
from tests.integration.people import Shop, mailed, stored

CodeOf = Callable[[str], str]


async def test_code_from_the_mail_verifies_and_wakes_the_workflow(shop: Shop, code_of: CodeOf) -> None:
    await shop.register()
    step = await mailed(shop)
    code = code_of("c-17@example.com")
    assert code not in json.dumps((await stored(shop)).to_json())

    for _ in range(2):
        told = await shop("POST", "/v1/users/c-17/verification", {"code": code}, authorization="")
        assert (told.status, told.body) == (204, None)

    assert (await stored(shop)).status is UserStatus.VERIFIED
    assert (step["instance_id"], "verified") in shop.hub.heard
    assert await record_verification({**step, "timed_out": False}) == {"outcome": "verified"}
    assert await record_verification({**step, "timed_out": True}) == {"outcome": "verified"}
    assert await send_mail(step) == {"outcome": "verified"}


@pytest.mark.parametrize("states", [("Running", "Completed"), ("Completed",)], ids=len)
async def test_code_that_is_told_while_the_workflow_ends_is_right_all_the_same(
    shop: Shop, code_of: CodeOf, states: tuple[str, ...]
) -> None:
    await shop.register()
    await mailed(shop)
    shop.hub.states = iter(states)

    assert await shop.verify(code_of("c-17@example.com")) == 204


async def test_code_dies_after_five_wrong_attempts_however_many_come_at_once(
    shop: Shop, code_of: Callable[[str], str]
) -> None:
    await shop.register()
    await mailed(shop)
    wrong = {"code": f"{shop.tenant_id}.WRONG"}

    async def guess() -> int:
        return int((await shop("POST", "/v1/users/c-17/verification", wrong)).status)

    assert set(await asyncio.gather(*(guess() for _ in range(8)))) <= {409, 503}
    while (await stored(shop)).verification.wrong_codes < 5:
        assert await guess() == 409
    right = await shop("POST", "/v1/users/c-17/verification", {"code": code_of("c-17@example.com")})

    assert right.status == 409
    assert (await stored(shop)).verification.wrong_codes == 5


async def test_a_wrong_code_tells_nothing_about_who_exists(shop: Shop) -> None:
    await shop.register()
    await mailed(shop)

    answers = [
        await shop("POST", f"/v1/users/{user_id}/verification", {"code": code})
        for user_id in ("c-17", "nobody")
        for code in (f"{shop.tenant_id}.WRONG", "nowhere.WRONG", "WRONG", "../x.WRONG")
    ]

    told = {(answer.status, answer.body["type"], answer.body["detail"]) for answer in answers}
    assert len(told) == 1
    assert told.pop()[0] == 409


@pytest.mark.parametrize("told", [0, 1])
async def test_second_mail_has_another_code_and_both_are_good(shop: Shop, code_of: CodeOf, told: int) -> None:
    await shop.register()
    codes = []
    for _ in range(2):
        await mailed(shop)
        codes.append(code_of("c-17@example.com"))

    assert codes[0] != codes[1]
    assert await shop.verify(codes[told]) == 204


async def test_code_for_an_earlier_verification_is_dead(shop: Shop, code_of: CodeOf) -> None:
    await shop.register()
    await mailed(shop)
    earlier = code_of("c-17@example.com")
    await shop.patch(email="c-17@example.com")
    await mailed(shop)

    assert await shop.verify(earlier) == 409
    assert await shop.verify(code_of("c-17@example.com")) == 204


async def test_user_who_is_late_expires_and_may_ask_for_another_code(shop: Shop, code_of: CodeOf) -> None:
    await shop.register()
    step = await mailed(shop)
    assert await record_verification({**step, "timed_out": False}) == {"outcome": "pending"}
    for _ in range(2):
        assert await record_verification({**step, "timed_out": True}) == {"outcome": "expired"}
    late = await shop("POST", "/v1/users/c-17/verification", {"code": code_of("c-17@example.com")})
    assert late.status == 409

    await shop.patch(email="c-17@example.com")
    await shop.follow()

    verification_id = (await stored(shop)).verification.verification_id
    assert f"register:{shop.tenant_id}:c-17:{verification_id}" in shop.hub.started
    await mailed(shop)
    right = await shop("POST", "/v1/users/c-17/verification", {"code": code_of("c-17@example.com")})
    assert right.status == 204
    assert await record_verification({**step, "timed_out": True}) == {"outcome": "superseded"}


async def test_verification_of_somebody_who_is_gone_is_superseded(shop: Shop) -> None:
    await shop.register()
    step = await mailed(shop)
    await shop("DELETE", "/v1/users/c-17")

    assert await record_verification({**step, "timed_out": True}) == {"outcome": "superseded"}
    assert await record_verification({**step, "user_id": "nobody", "timed_out": True}) == {"outcome": "superseded"}
    assert await send_mail(step) == {"outcome": "superseded"}
