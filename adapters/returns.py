"""Returns: documents `t:{returnId}` in their order's partition of container `orders`."""

from __future__ import annotations

from adapters.cosmos import Container, Operation, Versioned
from domain.errors import NotFound
from domain.returns import Return
from domain.shapes import JsonObject

RETURN_KIND = "return"

_orders = Container("orders")


async def get(tenant_id: str, order_id: str, return_id: str) -> Versioned[Return]:
    """One return. Raises NotFound, Transient."""
    try:
        document = await _orders.read(_id(return_id), [tenant_id, order_id])
    except NotFound as error:
        raise NotFound(f"there is no return {return_id}") from error
    return Versioned(Return.model_validate(document), document["_etag"])


async def find(tenant_id: str, order_id: str, return_id: str) -> Return | None:
    """One return, or None. Raises Transient."""
    try:
        return (await get(tenant_id, order_id, return_id)).value
    except NotFound:
        return None


def stored(returned: Return, etag: str | None) -> Operation:
    """The write that stores this state of a return: a new one, or the successor of what `etag` names."""
    if etag is None:
        return "create", (_document(returned),)
    return "replace", (_id(returned.return_id), _document(returned)), {"if_match_etag": etag}


def _id(return_id: str) -> str:
    return f"t:{return_id}"


def _document(returned: Return) -> JsonObject:
    return {"id": _id(returned.return_id), "kind": RETURN_KIND, **returned.to_json()}
