"""Databases: create, list, query, read, delete."""

from __future__ import annotations

from localazure.cosmos import charges, throughput
from localazure.cosmos.account import Account
from localazure.cosmos.api.feeds import feed_of
from localazure.cosmos.jsontext import dump, parse_object
from localazure.cosmos.messages import Call, Reply
from localazure.cosmos.resources import Database


def read_account(account: Account, call: Call) -> Reply:
    """GET / tells clients where to send everything else."""
    return Reply(text=dump(account.document(call.base_url)))


def post_databases(account: Account, call: Call) -> Reply:
    """POST /dbs is a query or a create."""
    if call.is_query:
        return list_databases(account, call)
    offer = throughput.from_headers(call.headers)
    database = account.catalog.create_database(parse_object(call.body), offer, account.clock.now())
    return _reply(database, status=201, charge=charges.CREATE_RESOURCE)


def list_databases(account: Account, call: Call) -> Reply:
    """GET /dbs, and its queries."""
    documents = [database.document() for database in account.catalog.databases()]
    return feed_of(call, "Databases", "", documents, account.clock.now())


def read_database(account: Account, call: Call) -> Reply:
    """GET /dbs/{db}."""
    return _reply(database_of(account, call))


def delete_database(account: Account, call: Call) -> Reply:
    """DELETE /dbs/{db}."""
    account.catalog.drop_database(database_of(account, call))
    return Reply(204)


def database_of(account: Account, call: Call) -> Database:
    """The database that a path names. Raises NotFound."""
    return account.catalog.database(call.address.segments[1], by_rid=call.address.by_rid)


def _reply(database: Database, status: int = 200, charge: float = charges.METADATA) -> Reply:
    return Reply(status, dump(database.document()), charge, {"etag": database.etag})
