"""From a call to the handler that answers it, and the checks that every call passes on the way."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Final

from localazure.cosmos import session
from localazure.cosmos.account import Account
from localazure.cosmos.addressing import FEEDS, Kind
from localazure.cosmos.api import containers, databases, items, offers, queries
from localazure.cosmos.charges import SMALLEST
from localazure.cosmos.errors import (
    CONTAINER_RECREATED,
    PARENT_MISSING,
    BadRequest,
    MethodNotAllowed,
    NotFound,
    ServiceError,
)
from localazure.cosmos.faults import OPERATION_HEADER, RESOURCE_HEADER
from localazure.cosmos.messages import Call, Reply
from localazure.cosmos.query import QueryError
from localazure.cosmos.resources import Container
from localazure.cosmos.scope import RANGE_HEADER

RID_HEADER: Final = "x-ms-cosmos-intended-collection-rid"
ITEM_OPERATIONS: Final = frozenset({"Read", "Replace", "Delete", "Patch"})
DOUBLED_LEVELS: Final = frozenset({"Strong", "BoundedStaleness"})

AccountHandler = Callable[[Account, Call], Reply]
ContainerHandler = Callable[[Account, Container, Call], Reply | Awaitable[Reply]]

_ACCOUNT: Final[dict[tuple[Kind, str], AccountHandler]] = {
    (Kind.ACCOUNT, "GET"): databases.read_account,
    (Kind.DATABASES, "GET"): databases.list_databases,
    (Kind.DATABASES, "POST"): databases.post_databases,
    (Kind.DATABASE, "GET"): databases.read_database,
    (Kind.DATABASE, "DELETE"): databases.delete_database,
    (Kind.CONTAINERS, "GET"): containers.list_containers,
    (Kind.CONTAINERS, "POST"): containers.post_containers,
    (Kind.CONTAINER, "GET"): containers.read_container,
    (Kind.CONTAINER, "PUT"): containers.replace_container,
    (Kind.CONTAINER, "DELETE"): containers.delete_container,
    (Kind.OFFERS, "GET"): offers.list_offers,
    (Kind.OFFERS, "POST"): offers.post_offers,
    (Kind.OFFER, "GET"): offers.read_offer,
    (Kind.OFFER, "PUT"): offers.replace_offer,
    (Kind.UNSUPPORTED, "GET"): containers.list_unsupported,
    (Kind.UNSUPPORTED, "POST"): containers.post_unsupported,
}


def _post_items(account: Account, container: Container, call: Call) -> Reply | Awaitable[Reply]:
    """One path, five meanings, told apart by headers in this order."""
    if call.flag("x-ms-cosmos-is-batch-request"):
        return items.execute_batch(account, container, call)
    if call.flag("x-ms-cosmos-is-query-plan-request"):
        return queries.plan_query(account, container, call)
    if call.is_query:
        return queries.query_items(account, container, call)
    if call.flag("x-ms-documentdb-is-upsert"):
        return items.upsert_item(account, container, call)
    return items.create_item(account, container, call)


_CONTAINER: Final[dict[tuple[Kind, str], ContainerHandler]] = {
    (Kind.RANGES, "GET"): containers.list_ranges,
    (Kind.ITEMS, "GET"): queries.get_items,
    (Kind.ITEMS, "POST"): _post_items,
    (Kind.ITEM, "GET"): items.read_item,
    (Kind.ITEM, "PUT"): items.replace_item,
    (Kind.ITEM, "PATCH"): items.patch_item,
    (Kind.ITEM, "DELETE"): items.delete_item,
    (Kind.DELETE_BY_KEY, "POST"): items.delete_partition,
}
_KINDS_BELOW_CONTAINER: Final = frozenset(kind for kind, _ in _CONTAINER)


async def dispatch(account: Account, call: Call) -> Reply:
    """Answer an authenticated call. Raises ServiceError and QueryError."""
    _check_intention(call)
    route = (call.address.kind, call.method)
    if route in _ACCOUNT:
        return _ACCOUNT[route](account, call)
    if route not in _CONTAINER:
        raise MethodNotAllowed(f"{call.method} is not for {'/'.join(call.address.segments) or '/'}.")
    container = _container_of(account, call)
    if call.address.kind is Kind.RANGES:
        answer = _CONTAINER[route](account, container, call)
    else:
        answer = _throttled(account, container, call, _CONTAINER[route])
    reply = await answer if inspect.isawaitable(answer) else answer
    _add_container_headers(container, reply)
    return reply


async def _throttled(account: Account, container: Container, call: Call, handler: ContainerHandler) -> Reply:
    payer, offer = account.catalog.offer_for(container)
    if offer:
        account.budgets.admit(payer, offer.ru_per_s)
    reads = call.method == "GET" or call.is_query
    if reads and account.options.check_session:
        session.check(container, call.headers)
    try:
        answer = handler(account, container, call)
        reply = await answer if inspect.isawaitable(answer) else answer
    except (ServiceError, QueryError):
        account.budgets.pay(payer, SMALLEST)
        raise
    level = call.headers.get("x-ms-consistency-level") or account.options.consistency
    if reads and level in DOUBLED_LEVELS:
        reply.charge *= 2
    account.budgets.pay(payer, reply.charge)
    return reply


def _check_intention(call: Call) -> None:
    """HTTP clients collapse `..` in a path, so that deleting an item of that id arrives as deleting its container.

    Clients also say in headers what they mean. Raises BadRequest when the path says something else.
    """
    resource = call.headers.get(RESOURCE_HEADER)
    meant = "databaseaccount" if call.address.kind is Kind.ACCOUNT else call.address.resource_type
    on_feed = call.address.kind in FEEDS - {Kind.RANGES} and call.headers.get(OPERATION_HEADER) in ITEM_OPERATIONS
    if (resource and resource != meant) or on_feed:
        raise BadRequest(f"The path leads to {meant!r}, but the client meant to address {resource!r}.")


def _container_of(account: Account, call: Call) -> Container:
    _, database, _, name = call.address.segments[:4]
    try:
        container = account.catalog.container(database, name, by_rid=call.address.by_rid)
    except NotFound as missing:
        raise NotFound(missing.message, substatus=PARENT_MISSING) from missing
    if call.headers.get(RID_HEADER, container.rid) != container.rid:
        raise BadRequest("The container was deleted and created anew.", substatus=CONTAINER_RECREATED)
    return container


def _add_container_headers(container: Container, reply: Reply) -> None:
    range_id = reply.headers.setdefault(RANGE_HEADER, container.ranges[0].id)
    reply.headers[session.HEADER] = session.token(container, range_id)
    reply.headers["lsn"] = str(container.lsn)
    reply.headers["x-ms-alt-content-path"] = container.content_path
    reply.headers["x-ms-content-path"] = container.rid
