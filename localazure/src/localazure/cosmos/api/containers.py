"""Containers and their partition key ranges."""

from __future__ import annotations

from localazure.cosmos import charges, throughput
from localazure.cosmos.account import Account
from localazure.cosmos.api.databases import database_of
from localazure.cosmos.api.feeds import feed_of
from localazure.cosmos.errors import PARENT_MISSING, BadRequest, NotFound, PreconditionFailed
from localazure.cosmos.jsontext import dump, parse_object
from localazure.cosmos.messages import Call, Reply
from localazure.cosmos.resources import Container, Database

RANGES_ETAG = '"1"'  # ranges never change once a container is made


def post_containers(account: Account, call: Call) -> Reply:
    """POST /dbs/{db}/colls is a query or a create."""
    if call.is_query:
        return list_containers(account, call)
    offer, now = throughput.from_headers(call.headers), account.clock.now()
    container = account.catalog.create_container(_parent(account, call), parse_object(call.body), offer, now)
    return _reply(container, status=201, charge=charges.CREATE_RESOURCE)


def list_containers(account: Account, call: Call) -> Reply:
    """GET /dbs/{db}/colls, and its queries."""
    database = _parent(account, call)
    documents = [container.document() for container in account.catalog.containers(database)]
    return feed_of(call, "DocumentCollections", database.rid, documents, account.clock.now())


def read_container(account: Account, call: Call) -> Reply:
    """GET /dbs/{db}/colls/{c}; with the amount of data if the caller asks for it."""
    container = _container_of(account, call)
    reply = _reply(container)
    if call.flag("x-ms-documentdb-populatequotainfo"):
        reply.headers |= _usage(account, container)
    return reply


def replace_container(account: Account, call: Call) -> Reply:
    """PUT /dbs/{db}/colls/{c}."""
    container = _container_of(account, call)
    if call.headers.get("if-match", "*") not in {"*", container.etag}:
        raise PreconditionFailed("The ETag in If-Match is not that of the container.")
    account.catalog.replace_container(container, parse_object(call.body), account.clock.now())
    return _reply(container, charge=charges.CREATE_RESOURCE)


def delete_container(account: Account, call: Call) -> Reply:
    """DELETE /dbs/{db}/colls/{c}."""
    account.catalog.drop_container(_container_of(account, call))
    return Reply(204)


def list_ranges(_account: Account, container: Container, call: Call) -> Reply:
    """GET …/pkranges. A client reads this again and again until it is told 304."""
    headers = {"etag": RANGES_ETAG}
    if call.headers.get("if-none-match") == RANGES_ETAG:
        return Reply(304, headers=headers)
    ranges = [container.range_document(range_) for range_ in container.ranges]
    body = {"_rid": container.rid, "PartitionKeyRanges": ranges, "_count": len(ranges)}
    return Reply(text=dump(body), headers=headers)


def post_unsupported(_account: Account, call: Call) -> Reply:
    """Empty feeds of what this emulator does not have; never a 5xx, which clients would repeat."""
    if not call.is_query:
        raise BadRequest(f"This emulator does not support {call.address.resource_type}.")
    return list_unsupported(_account, call)


def list_unsupported(_account: Account, call: Call) -> Reply:
    """GET of such a feed."""
    names = {"sprocs": "StoredProcedures", "udfs": "UserDefinedFunctions"}
    name = names.get(call.address.resource_type, call.address.resource_type.capitalize())
    return Reply(text=dump({"_rid": "", name: [], "_count": 0}), headers={"x-ms-item-count": "0"})


def _parent(account: Account, call: Call) -> Database:
    try:
        return database_of(account, call)
    except NotFound as missing:
        raise NotFound(missing.message, substatus=PARENT_MISSING) from missing


def _container_of(account: Account, call: Call) -> Container:
    _, database, _, name = call.address.segments
    return account.catalog.container(database, name, by_rid=call.address.by_rid)


def _reply(container: Container, status: int = 200, charge: float = charges.METADATA) -> Reply:
    headers = {"etag": container.etag, "x-ms-documentdb-collection-index-transformation-progress": "100"}
    return Reply(status, dump(container.document()), charge, headers)


def _usage(account: Account, container: Container) -> dict[str, str]:
    count, size = account.store.rows("count_items", container=container.number)[0]
    kib = -(-size // 1024)
    quota = "documentSize=10240;documentsSize=10485760;documentsCount=-1;collectionSize=10485760;"
    usage = f"documentSize=0;documentsSize={kib};documentsCount={count};collectionSize={kib};"
    return {"x-ms-resource-quota": quota, "x-ms-resource-usage": usage}
