"""Users: container `users`, one document per user under the user's id; an e-mail address stands once in a tenant.

A user who is erased leaves a document behind, which `get` does not find and `find` does.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from adapters.cosmos import AlreadyExists, Container, Versioned
from domain.errors import ConditionFailed, Conflict, NotFound, Transient
from domain.shapes import JsonObject
from domain.users import User, UserStatus, known

_ATTEMPTS = 3

_users = Container("users")


class Stored(StrEnum):
    """What became of a new user."""

    STORED = "stored"
    ID_TAKEN = "id_taken"
    EMAIL_TAKEN = "email_taken"


async def get(tenant_id: str, user_id: str) -> User:
    """One user who is not erased. Raises NotFound, Transient."""
    return known(await find(tenant_id, user_id), user_id)


async def find(tenant_id: str, user_id: str) -> User | None:
    """One user, erased or not, or None. Raises Transient."""
    found = await _find(tenant_id, user_id)
    return found.value if found else None


async def create(tenant_id: str, user: User) -> Stored:
    """Store a new user, once per registration. Raises Transient."""
    try:
        await _users.create(_document(tenant_id, user))
    except AlreadyExists:
        found = await find(tenant_id, user.user_id)
        if found is None:
            return Stored.EMAIL_TAKEN
        return Stored.STORED if found.registration_id == user.registration_id else Stored.ID_TAKEN
    return Stored.STORED


async def replace(tenant_id: str, user: User, etag: str) -> None:
    """Store the successor of what the database's `etag` names.

    Raises Conflict when the e-mail address is another's, ConditionFailed when the user has changed since, Transient.
    """
    try:
        await _users.replace(_document(tenant_id, user), etag)
    except AlreadyExists as taken:
        raise Conflict("this e-mail address belongs to another user") from taken
    except (Conflict, NotFound) as changed:
        raise ConditionFailed(f"user {user.user_id} has changed meanwhile") from changed


async def change(tenant_id: str, user_id: str, decide: Callable[[User], User]) -> User | None:
    """Decide on the user as they are and store what was decided; again if they changed in between.

    Returns the user as they are afterwards, None when there is none. A write that took effect and was never answered
    is found done. Raises what `decide` raises, Conflict when the e-mail address is another's, Transient.
    """
    written: User | None = None
    for _ in range(_ATTEMPTS):
        found = await _find(tenant_id, user_id)
        if found is None:
            return None
        if written and found.value.to_json() == written.to_json():
            return written
        after = decide(found.value)
        if after is found.value:
            return after
        try:
            await replace(tenant_id, after, found.etag)
        except ConditionFailed:  # a wrong guess at a code makes no version, and each of them counts
            written = after if after.version > found.value.version else None
            continue
        return after
    raise Transient(f"user {tenant_id}/{user_id} keeps changing")


async def page(tenant_id: str, after: str | None, limit: int) -> list[User]:
    """At most `limit` users who are not erased, by id, from the one that follows `after`. Raises Transient."""
    query = "SELECT TOP @limit * FROM c WHERE c.userId > @after AND c.status != @erased ORDER BY c.userId"
    parameters: JsonObject = {"limit": limit, "after": after or "", "erased": UserStatus.ERASED}
    return [User.model_validate(row) async for row in _users.query(query, parameters, [tenant_id])]


async def _find(tenant_id: str, user_id: str) -> Versioned[User] | None:
    try:
        document = await _users.read(user_id, [tenant_id])
    except NotFound:
        return None
    return Versioned(User.model_validate(document), document["_etag"])


def _document(tenant_id: str, user: User) -> JsonObject:
    return {"id": user.user_id, **user.to_json(), "tenantId": tenant_id}
