"""What a user is, how they change, and what is left of them."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.placement import Address
from domain.users import (
    RegisterUser,
    User,
    UserAnswer,
    UserFields,
    UserStatus,
    awaits,
    changed,
    erased,
    expired,
    merge_patch,
    merged_fields,
    registered,
    unknown,
    verified,
    with_code,
)
from domain.verification import MOST_CODES, MOST_WRONG, OPEN_FOR, Verification, code_hash, tenant_of, with_tenant
from tests.unit.conftest import AT

BERLIN = {"name": "Ada", "line1": "Linden 1", "postalCode": "10117", "city": "Berlin", "country": "DE"}
CODE = "acme.0123456789ABCDEF"


def fields(**changes: Any) -> UserFields:
    return UserFields.model_validate_json(json.dumps({"name": "Ada", "email": "ada@example.com"} | changes))


def a_user(**changes: Any) -> User:
    """A user to whom a code has been sent."""
    user = registered(
        fields(address=BERLIN), tenant_id="acme", user_id="c-17", registration_id="r1", at=AT, correlation_id="corr-1"
    )
    return with_code(user, user.verification.mailed(CODE, AT + OPEN_FOR)).model_copy(update=changes)


def patched(user: User, patch: dict[str, Any]) -> User:
    wanted = UserFields.model_validate_json(json.dumps(merged_fields(user, patch)))
    return changed(user, wanted, asks_for_code="email" in patch, at=AT + timedelta(hours=1), correlation_id="corr-2")


def test_email_is_one_and_the_same_in_either_case() -> None:
    assert fields(email="Ada@Example.COM").email == "ada@example.com"


def test_registration_takes_an_id_or_none() -> None:
    body = {"name": "Ada", "email": "ada@example.com", "userId": "c-17"}
    request = RegisterUser.model_validate_json(json.dumps(body))

    assert (request.user_id, request.fields) == ("c-17", fields())
    with pytest.raises(ValidationError):
        RegisterUser.model_validate_json(json.dumps(body | {"userId": "../etc"}))


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": None, "d": 3}}, {"a": {"c": 2, "d": 3}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": "text"}, {"a": {"b": {"c": None}}}, {"a": {"b": {}}}),
        ({"a": 1}, [2], [2]),
    ],
)
def test_merge_patch_does_what_its_rfc_says(target: Any, patch: Any, result: Any) -> None:
    assert merge_patch(target, patch) == result


def test_name_changes_and_nothing_else_does() -> None:
    user = a_user(status=UserStatus.VERIFIED)

    after = patched(user, {"name": "Ada L."})

    assert (after.name, after.status, after.address_version, after.version) == (
        "Ada L.", UserStatus.VERIFIED, 0, user.version + 1,
    )  # fmt: skip


def test_patch_that_says_what_is_known_changes_nothing() -> None:
    user = a_user(status=UserStatus.VERIFIED)

    assert patched(user, {"name": "Ada", "email": "ADA@example.com", "address": {"city": "Berlin"}}) is user


def test_part_of_an_address_changes_under_a_new_version() -> None:
    user = a_user()

    after = patched(user, {"address": {"line1": "Linden 2"}})

    assert after.address == Address.model_validate_json(json.dumps(BERLIN | {"line1": "Linden 2"}))
    assert (after.address_version, after.address_changed_at) == (1, AT + timedelta(hours=1))
    assert patched(after, {"address": None}).address is None


@pytest.mark.parametrize("patch", [{"name": None}, {"email": None}, {"unknown": None}, {"address": {"city": None}}])
def test_patch_that_leaves_no_whole_user_is_refused(patch: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        patched(a_user(), patch)


def test_another_email_is_verified_again() -> None:
    user = a_user(status=UserStatus.VERIFIED)

    after = patched(user, {"email": "ada@example.org"})

    assert (after.status, after.email) == (UserStatus.PENDING, "ada@example.org")
    assert awaits(after, f"v{after.version}")
    assert not verified(after, CODE, AT)[1]


@pytest.mark.parametrize("status", [UserStatus.PENDING, UserStatus.EXPIRED])
def test_naming_an_unverified_email_asks_for_another_code(status: UserStatus) -> None:
    user = a_user(status=status)

    after = patched(user, {"email": user.email})

    assert after.status is UserStatus.PENDING
    assert after.verification.verification_id != user.verification.verification_id


def test_right_code_verifies_and_may_be_told_twice() -> None:
    after, is_right = verified(a_user(), CODE, AT)

    assert (after.status, is_right) == (UserStatus.VERIFIED, True)
    assert verified(after, CODE.lower(), AT) == (after, True)
    assert verified(after, "acme.WRONG", AT) == (after, False)


def test_code_dies_after_five_wrong_attempts() -> None:
    user = a_user()
    for _ in range(MOST_WRONG):
        user, is_right = verified(user, "acme.WRONG", AT)
        assert not is_right

    assert verified(user, CODE, AT) == (user, False)


def test_codes_make_no_new_version_until_one_is_right() -> None:
    user = a_user()

    after, _ = verified(user, "acme.WRONG", AT + timedelta(hours=1))

    assert (after.etag, UserAnswer.of(after)) == (user.etag, UserAnswer.of(user))
    assert verified(user, CODE, AT)[0].etag != user.etag


def test_fifth_attempt_may_still_be_the_right_one() -> None:
    user = a_user()
    for _ in range(MOST_WRONG - 1):
        user, _ = verified(user, "acme.WRONG", AT)

    assert verified(user, CODE, AT)[1]


def test_code_is_good_for_a_day() -> None:
    user = a_user()

    assert verified(user, CODE, AT + OPEN_FOR - timedelta(seconds=1))[1]
    assert verified(user, CODE, AT + OPEN_FOR) == (user, False)
    assert verified(expired(user, AT), CODE, AT)[1] is False


def test_each_code_that_was_mailed_lately_is_right() -> None:
    verification = Verification(verification_id="r1")
    codes = [f"acme.{number:016d}" for number in range(MOST_CODES + 1)]
    for code in codes:
        verification = verification.mailed(code, AT)

    assert [verification.matches(code) for code in codes] == [False, *[True] * MOST_CODES]


def test_nothing_is_right_before_there_is_a_code() -> None:
    user = a_user(verification=Verification(verification_id="r1"))

    assert verified(user, "acme.", AT) == (user, False)


@given(secret=st.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=16, max_size=16))
def test_code_says_its_tenant_and_its_letters_have_no_case(secret: str) -> None:
    code = with_tenant("acme.eu", secret)

    assert tenant_of(code) == "acme.eu"
    assert code_hash(code) == code_hash(with_tenant("acme.eu", secret.lower()))
    assert code_hash(code) != code_hash(with_tenant("acme", secret))
    assert tenant_of(secret) == ""


def test_erased_user_holds_nothing_personal() -> None:
    user = a_user(status=UserStatus.VERIFIED)

    left = json.dumps(erased(user, AT, "corr-3").to_json())

    for personal in ("Ada", "ada@example.com", "Linden", "10117", "Berlin", code_hash(CODE)):
        assert personal not in left
    assert json.loads(left)["userId"] == "c-17"
    assert erased(user, AT, "x").email != erased(a_user(user_id="C-17"), AT, "x").email


def test_what_is_left_takes_no_email_that_somebody_could_have() -> None:
    for gone in (erased(a_user(), AT, "x"), unknown("acme", "c-17", AT, "x")):
        assert gone.status is UserStatus.ERASED
        with pytest.raises(ValidationError):
            fields(email=gone.email)


def test_erased_user_cannot_be_verified() -> None:
    user = erased(a_user(), AT, "corr-3")

    assert verified(user, CODE, AT) == (user, False)


def test_answer_shows_no_verification() -> None:
    shown = UserAnswer.of(a_user()).to_json()

    assert set(shown) == {
        "userId", "tenantId", "name", "email", "address", "status", "registeredAt", "updatedAt",
    }  # fmt: skip
    assert shown["address"] == BERLIN | {"line2": None}
