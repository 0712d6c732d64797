"""Cosmos DB functions. The prefix of all container names is a setting."""

import json
import logging
import os
import time
from pathlib import Path

import azure.functions as func

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
COMMON = {"connection": "COSMOS", "database_name": "feeds", "feed_poll_delay": 100}
LEASES = {"lease_container_name": "leases", "create_lease_container_if_not_exists": True}


def record(value: object) -> None:
    logging.info("record %s", json.dumps(value))


@app.cosmos_db_trigger(
    arg_name="documents", container_name="%PREFIX%-items", lease_container_prefix="new", **LEASES, **COMMON
)
def new_items(documents: func.DocumentList) -> None:
    record([document["id"] for document in documents])


@app.cosmos_db_trigger(
    arg_name="documents",
    container_name="%PREFIX%-items",
    lease_container_prefix="all",
    start_from_beginning=True,
    max_items_per_invocation=2,
    **LEASES,
    **COMMON,
)
def all_items(documents: str) -> None:
    record([document["id"] for document in json.loads(documents)])


@app.cosmos_db_trigger(
    arg_name="documents",
    container_name="%PREFIX%-faulty",
    start_from_beginning=True,
    lease_container_prefix="f",
    **LEASES,
    **COMMON,
)
def failing(documents: func.DocumentList) -> None:
    record([document["id"] for document in documents])
    raise RuntimeError("no retry policy: this batch is lost")


@app.cosmos_db_trigger(
    arg_name="documents",
    container_name="%PREFIX%-stubborn",
    start_from_beginning=True,
    lease_container_prefix="r",
    **LEASES,
    **COMMON,
)
@app.retry(strategy="fixed_delay", max_retry_count="-1", delay_interval="00:00:00")
def stubborn(documents: func.DocumentList) -> None:
    record([document["id"] for document in documents])
    if not Path(os.environ["STUBBORN_UNTIL"]).exists():
        time.sleep(0.05)
        raise RuntimeError("tried again until it works")


@app.cosmos_db_trigger(
    arg_name="documents",
    container_name="%PREFIX%-slow",
    start_from_beginning=True,
    lease_container_prefix="s",
    lease_expiration_interval=3000,
    lease_renew_interval=1000,
    lease_acquire_interval=300,
    **LEASES,
    **COMMON,
)
def slow(documents: func.DocumentList) -> None:
    record([document["id"] for document in documents])
    time.sleep(float(os.environ.get("SLOW_SECONDS", "0")))


@app.cosmos_db_trigger(
    arg_name="documents", container_name="%PREFIX%-items", lease_container_name="no-such-leases", **COMMON
)
def without_leases(documents: func.DocumentList) -> None:
    record("never")


@app.route(route="put/{container}", methods=["POST"])
@app.cosmos_db_output(
    arg_name="out",
    connection="COSMOS",
    database_name="feeds",
    container_name="%PREFIX%-{container}",
    partition_key="/id",
    create_if_not_exists=True,
)
def put(req: func.HttpRequest, out: func.Out[func.Document]) -> str:
    out.set(func.Document.from_dict(req.get_json()))
    return "put"


@app.route(route="find/{word}")
@app.cosmos_db_input(
    arg_name="found",
    connection="COSMOS",
    database_name="feeds",
    container_name="%PREFIX%-items",
    sql_query="SELECT c.id FROM c WHERE c.id = {word} OR c.id = {Query.other}",
)
def find(req: func.HttpRequest, found: func.DocumentList) -> str:
    return json.dumps(sorted(document["id"] for document in found))


@app.route(route="get/{id}")
@app.cosmos_db_input(
    arg_name="found",
    connection="COSMOS",
    database_name="feeds",
    container_name="%PREFIX%-items",
    id="{id}",
    partition_key="{id}",
)
def get(req: func.HttpRequest, found: func.DocumentList) -> str:
    return json.dumps(found and [document["id"] for document in found])
