"""Registration: a code is sent, and a day is waited for somebody to tell it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.unit.sagas import Run, back_after_an_outage, play

Register = Callable[..., Run]

INSTANCE = "register:acme:c-17:r1"
GIVEN = {"tenant_id": "acme", "user_id": "c-17", "correlation_id": "corr-1", "verification_id": "r1"}


@pytest.fixture
def register(task_hub: Any) -> Register:
    given = {**GIVEN, "registration_key": "key-1"}
    return lambda **answers: play(task_hub, "register_user", given, INSTANCE, **answers)


def test_user_is_stored_welcomed_and_verified(register: Register) -> None:
    user = register()
    assert user.story == ["store_user", "send_mail"]
    assert user.instance.custom_status == {"stage": "awaiting_verification"}

    user.tell("verified", {"actor": "c-17"})

    assert user.end() == {"status": "verified"}
    assert user.story == ["store_user", "send_mail", "record_verification"]
    assert user.payload("store_user")["registration_key"] == "key-1"
    assert user.payload("send_mail")["instance_id"] == INSTANCE


def test_user_who_tells_no_code_expires_after_a_day(register: Register) -> None:
    user = register()
    begun = user.hub.now

    assert user.end() == {"status": "expired"}
    assert 23 * 3600 < (user.hub.now - begun).total_seconds() <= 24 * 3600
    assert user.payload("record_verification")["timed_out"] is True


@pytest.mark.parametrize("reason", ["id_taken", "email_taken", "registration_expired"])
def test_user_who_cannot_be_stored_is_sent_nothing(register: Register, reason: str) -> None:
    user = register(store_user={"outcome": reason})

    assert user.end() == {"status": "refused", "reason": reason}
    assert user.story == ["store_user"]


def test_another_email_is_verified_without_storing_anybody(task_hub: Any) -> None:
    user = play(task_hub, "register_user", GIVEN, INSTANCE)
    user.tell("verified")

    assert user.end() == {"status": "verified"}
    assert user.story == ["send_mail", "record_verification"]


@pytest.mark.parametrize("ended", ["superseded", "verified"])
def test_verification_that_has_ended_before_its_mail_is_repeated_ends_at_once(register: Register, ended: str) -> None:
    assert register(send_mail={"outcome": ended}).end() == {"status": ended}


def test_nobody_is_waited_for_where_there_is_no_mailbox(register: Register) -> None:
    user = register(send_mail={"outcome": "undeliverable"})

    assert user.end() == {"status": "undeliverable"}
    assert user.story == ["store_user", "send_mail", "record_verification"]
    assert user.payload("record_verification")["timed_out"] is True


def test_word_without_a_code_does_not_end_the_wait(register: Register) -> None:
    user = register(record_verification=lambda step: {"outcome": "expired" if step["timed_out"] else "pending"})
    begun = user.hub.now

    user.tell("verified", {"actor": "somebody"})

    assert user.end() == {"status": "expired"}
    assert [payload["timed_out"] for name, payload in user.steps if name == "record_verification"] == [False, True]
    assert (user.hub.now - begun).total_seconds() > 23 * 3600


@pytest.mark.parametrize("step", ["store_user", "send_mail", "record_verification"])
def test_outage_is_outlived(register: Register, step: str) -> None:
    good = {"store_user": "stored", "send_mail": "sent", "record_verification": "verified"}[step]
    user = register(**{step: back_after_an_outage({"outcome": good})})
    user.tell("verified")

    assert user.end() == {"status": "verified"}
    assert len(user.attempts(step)) == 11


def test_nothing_personal_enters_the_history(register: Register) -> None:
    user = register()
    user.tell("verified", {"actor": "c-17"})
    user.end()

    told = {key for _, payload in user.steps for key in payload}
    assert told == {
        "tenant_id", "user_id", "correlation_id", "instance_id", "at", "registration_key", "verification_id",
        "timed_out",
    }  # fmt: skip
