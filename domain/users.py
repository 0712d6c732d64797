"""Users: customers and staff of a merchant. A user's id is the `customerId` of their orders and the subject of their
token.

| status   | meaning                                                                                      |
|----------|----------------------------------------------------------------------------------------------|
| pending  | a code has been, or is about to be, sent to the e-mail address                               |
| verified | somebody who reads that mailbox has told the code                                            |
| expired  | nobody did within a day, or nobody has that mailbox; naming the address in a PATCH asks anew |
| erased   | the person is forgotten; what is left holds the id, so that it never stands for anybody else |

An e-mail address is stored in lower case and belongs to one user of a tenant.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from domain.errors import NotFound
from domain.placement import Address, Email
from domain.shapes import Identifier, JsonObject, Model, Request, Text, Utc
from domain.verification import Verification

ERASED_TEXT = "erased"
"""What stands where something personal stood."""

SUPERSEDED = "superseded"
"""What a verification is when the user awaits another one, or none any more."""

NEVER = "never"
"""The registration of those who were forgotten without one."""

UserEmail = Annotated[Email, AfterValidator(str.lower)]


class UserStatus(StrEnum):
    """Whether a user's e-mail address is known to be theirs."""

    PENDING = "pending"
    VERIFIED = "verified"
    EXPIRED = "expired"
    ERASED = "erased"


class UserFields(Request):
    """What may be said of a user, and changed by a JSON merge patch."""

    name: Text
    email: UserEmail
    address: Address | None = None


class RegisterUser(UserFields):
    """Body of `POST /v1/users`. Without a `userId` one is made; staff have that of their tokens."""

    user_id: Identifier | None = None

    @property
    def fields(self) -> UserFields:
        """The same without the id."""
        return UserFields.model_validate_json(self.model_dump_json(by_alias=True, exclude={"user_id"}))


class VerifyUser(Request):
    """Body of `POST /v1/users/{userId}/verification`: the code from the mail."""

    code: Annotated[str, Field(pattern="^[!-~]{1,120}$")]


class User(Model):
    """One user, as it is stored.

    `address_version` counts the changes of the address since registration; `address_changed_at` is the last one's time.
    """

    tenant_id: Identifier
    user_id: Identifier
    registration_id: Identifier
    name: str
    email: str
    address: Address | None = None
    address_version: int = 0
    address_changed_at: Utc | None = None
    status: UserStatus = UserStatus.PENDING
    verification: Verification
    registered_at: Utc
    updated_at: Utc
    version: int = 1
    correlation_id: str

    @property
    def fields(self) -> JsonObject:
        """What a merge patch applies to."""
        return {"name": self.name, "email": self.email, "address": self.address.to_json() if self.address else None}

    @property
    def etag(self) -> str:
        """What this version is called outside. A code that is sent, or told wrong, makes no new one: none shows it."""
        return f'"{self.version}"'


class UserAnswer(Model):
    """`GET /v1/users/{userId}`."""

    user_id: str
    tenant_id: str
    name: str
    email: str
    address: Address | None
    status: UserStatus
    registered_at: Utc
    updated_at: Utc

    @classmethod
    def of(cls, user: User) -> UserAnswer:
        """What may be shown of this user."""
        return cls.model_validate({**user.model_dump(), "address": user.address})


class UserStep(BaseModel):
    """What every activity for a user is told: about whom, on whose behalf, and the orchestration's time."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    tenant_id: Identifier
    user_id: Identifier
    correlation_id: str
    instance_id: str
    at: Utc


class UserOrderStep(UserStep):
    """The same for an activity that changes one of the user's orders."""

    order_id: Identifier


def registered(
    fields: UserFields, *, tenant_id: str, user_id: str, registration_id: str, at: datetime, correlation_id: str
) -> User:
    """A new user, whose e-mail address is still to be verified."""
    return User(
        tenant_id=tenant_id,
        user_id=user_id,
        registration_id=registration_id,
        name=fields.name,
        email=fields.email,
        address=fields.address,
        verification=Verification(verification_id=registration_id),
        registered_at=at,
        updated_at=at,
        correlation_id=correlation_id,
    )


def known(user: User | None, user_id: str) -> User:
    """The user, if there is one who is not erased. Raises NotFound."""
    if user is None or user.status is UserStatus.ERASED:
        raise NotFound(f"there is no user {user_id}")
    return user


def merge_patch(target: Any, patch: Any) -> Any:
    """The target with a JSON merge patch (RFC 7396) applied."""
    if not isinstance(patch, dict):
        return patch
    kept = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            kept.pop(name, None)
        else:
            kept[name] = merge_patch(kept.get(name), value)
    return kept


def merged_fields(user: User, patch: Mapping[str, Any]) -> JsonObject:
    """The user's fields after a merge patch. A name that is none of them stays in, to be refused."""
    unknown = {name: value for name, value in patch.items() if name not in user.fields}
    merged: JsonObject = merge_patch(user.fields, dict(patch))
    return merged | unknown


def changed(user: User, fields: UserFields, *, asks_for_code: bool, at: datetime, correlation_id: str) -> User:
    """The user with these fields; the same user when that changes nothing.

    Another e-mail address is to be verified; so is the present one if the caller asks and it is not verified yet.
    """
    told: JsonObject = {}
    if fields.name != user.name:
        told["name"] = fields.name
    if fields.address != user.address:
        moved = {"address_version": user.address_version + 1, "address_changed_at": at}
        told |= {"address": fields.address, **moved}
    if fields.email != user.email or (asks_for_code and user.status is not UserStatus.VERIFIED):
        verification = Verification(verification_id=f"v{user.version + 1}")
        told |= {"email": fields.email, "status": UserStatus.PENDING, "verification": verification}
    return _next(user, at, {**told, "correlation_id": correlation_id}) if told else user


def verified(user: User, code: str, at: datetime) -> tuple[User, bool]:
    """The user after somebody has told a code, and whether it was the right one. Telling it again is right again."""
    if user.status is UserStatus.VERIFIED:
        return user, user.verification.matches(code)
    if user.status is not UserStatus.PENDING or not user.verification.is_open(at):
        return user, False
    if user.verification.matches(code):
        return _next(user, at, {"status": UserStatus.VERIFIED}), True
    return with_code(user, user.verification.refused()), False


def awaits(user: User, verification_id: str) -> bool:
    """Whether this is the verification that the user still has before them."""
    return user.status is UserStatus.PENDING and user.verification.verification_id == verification_id


def standing(user: User | None, verification_id: str) -> str:
    """How a verification has ended, `pending` while it has not: the user's status, or that another has replaced it."""
    if user is None or user.status is UserStatus.ERASED or user.verification.verification_id != verification_id:
        return SUPERSEDED
    return user.status


def with_code(user: User, verification: Verification) -> User:
    """The user with what is known of their codes from now on."""
    return user.model_copy(update={"verification": verification})


def expired(user: User, at: datetime) -> User:
    """The user who has not told the code in time."""
    return _next(user, at, {"status": UserStatus.EXPIRED})


def erased(user: User, at: datetime, correlation_id: str) -> User:
    """What is left of a user who is forgotten. The e-mail address is free for somebody else."""
    return _next(
        user,
        at,
        {
            "name": ERASED_TEXT,
            "email": _no_email(user.user_id),
            "address": None,
            "status": UserStatus.ERASED,
            "verification": Verification(verification_id=user.registration_id),
            "correlation_id": correlation_id,
        },
    )


def unknown(tenant_id: str, user_id: str, at: datetime, correlation_id: str) -> User:
    """What stands for a customer who never registered and is forgotten all the same: an erased user from the start."""
    return User(
        tenant_id=tenant_id,
        user_id=user_id,
        registration_id=NEVER,
        name=ERASED_TEXT,
        email=_no_email(user_id),
        status=UserStatus.ERASED,
        verification=Verification(verification_id=NEVER),
        registered_at=at,
        updated_at=at,
        correlation_id=correlation_id,
    )


def _no_email(user_id: str) -> str:
    """Unique within a tenant, as an e-mail address must be, and none that anybody could have taken."""
    return f"{ERASED_TEXT}:{user_id}"


def _next(user: User, at: datetime, told: JsonObject) -> User:
    return user.model_copy(update={**told, "updated_at": max(at, user.updated_at), "version": user.version + 1})
