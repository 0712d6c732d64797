"""From a call to the handler that answers it, and the checks that every call passes on the way."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from localazure.cosmos import session
from localazure.cosmos.account import Account
from localazure.cosmos.addressing import FEEDS, Kind
from localazure.cosmos.api import containers, databases, items, offers, queries
from localazure.cosmos.api.containers import list_ranges
from localazure.cosmos.charges import SMALLEST
from localazure.cosmos.errors import (
    CONTAINER_RECREATED,
    PARENT_MISSING,
    BadRequest,
    MethodNotAllowed,
    NotFound,
)
from localazure.cosmos.faults import OPERATION_HEADER, RESOURCE_HEADER
from localazure.cosmos.messages import Call, Reply
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


@dataclass(frozen=True, slots=True)
class Operation:
    """What can be asked of a container's items, and the name under which its charges are counted."""

    name: str
    handler: ContainerHandler


_BATCH: Final = Operation("Batch", items.execute_batch)
_CHANGE_FEED: Final = Operation("Change feed", queries.get_items)
_CREATE: Final = Operation("Create", items.create_item)
_PLAN: Final = Operation("Query plan", queries.plan_query)
_QUERY: Final = Operation("Query", queries.query_items)
_READ_FEED: Final = Operation("Read feed", queries.get_items)
_UPSERT: Final = Operation("Upsert", items.upsert_item)

_ITEMS: Final[dict[tuple[Kind, str], Operation]] = {
    (Kind.ITEM, "GET"): Operation("Read", items.read_item),
    (Kind.ITEM, "PUT"): Operation("Replace", items.replace_item),
    (Kind.ITEM, "PATCH"): Operation("Patch", items.patch_item),
    (Kind.ITEM, "DELETE"): Operation("Delete", items.delete_item),
    (Kind.DELETE_BY_KEY, "POST"): Operation("Delete by key", items.delete_partition),
}


async def dispatch(account: Account, call: Call) -> Reply:
    """Answer an authenticated call. Raises ServiceError and QueryError."""
    _check_intention(call)
    handler = _ACCOUNT.get((call.address.kind, call.method))
    if handler:
        return handler(account, call)
    operation = _operation_of(call)
    container = _container_of(account, call)
    reply = await _charged(account, container, call, operation) if operation else list_ranges(account, container, call)
    _add_container_headers(container, reply)
    return reply


def _operation_of(call: Call) -> Operation | None:
    """None for a list of the partition key ranges, which every client asks for. Raises MethodNotAllowed."""
    kind, method = call.address.kind, call.method
    if kind is Kind.ITEMS and method == "POST":
        return _posted(call)
    if kind is Kind.ITEMS and method == "GET":
        return _CHANGE_FEED if "a-im" in call.headers else _READ_FEED
    if kind is Kind.RANGES and method == "GET":
        return None
    if (kind, method) not in _ITEMS:
        raise MethodNotAllowed(f"{method} is not for {'/'.join(call.address.segments) or '/'}.")
    return _ITEMS[kind, method]


def _posted(call: Call) -> Operation:
    """One path, five meanings, told apart by headers in this order."""
    if call.flag("x-ms-cosmos-is-batch-request"):
        return _BATCH
    if call.flag("x-ms-cosmos-is-query-plan-request"):
        return _PLAN
    if call.is_query:
        return _QUERY
    return _UPSERT if call.flag("x-ms-documentdb-is-upsert") else _CREATE


async def _charged(account: Account, container: Container, call: Call, operation: Operation) -> Reply:
    """Run an operation within its budget. What is refused costs something, too."""
    payer, offer = account.catalog.offer_for(container)
    if offer:
        account.budgets.admit(payer, offer.ru_per_s)
    charge = SMALLEST
    try:
        reply = await _run(account, container, call, operation)
        charge = reply.charge
    finally:
        account.budgets.pay(payer, charge)
        account.ledger.add(container, operation.name, charge)
    return reply


async def _run(account: Account, container: Container, call: Call, operation: Operation) -> Reply:
    reads = call.method == "GET" or operation is _QUERY
    if reads and account.options.check_session:
        session.check(container, call.headers)
    answer = operation.handler(account, container, call)
    reply = answer if isinstance(answer, Reply) else await answer
    level = call.headers.get("x-ms-consistency-level") or account.options.consistency
    if reads and level in DOUBLED_LEVELS:
        reply.charge *= 2
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
