"""Queries over items, the read feed and the change feed."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from contextlib import closing
from typing import Final

from localazure.cosmos import change_feed, charges, continuation, scope
from localazure.cosmos.account import Account
from localazure.cosmos.api.feeds import feed_reply
from localazure.cosmos.errors import QUERY_PLAN_NEEDED, BadRequest
from localazure.cosmos.jsontext import dump
from localazure.cosmos.messages import Call, Reply
from localazure.cosmos.query import needs_plan, query_plan
from localazure.cosmos.query_feed import Page, PageRequest, Question, page_of_texts, parse_question
from localazure.cosmos.resources import Container
from localazure.cosmos.scope import RANGE_HEADER, Scope
from localazure.cosmos.writer import with_system_properties

READ_FEED: Final = "read feed"


async def query_items(account: Account, container: Container, call: Call) -> Reply:
    """POST …/docs as a query, over as much of the container as the headers say."""
    if not scope.names_a_scope(call.headers):
        raise BadRequest(
            "Cross partition query is required but disabled. Please set x-ms-documentdb-query-enablecrosspartition "
            "to true, or specify x-ms-documentdb-partitionkey."
        )
    within = scope.of_headers(container, call.headers)
    question = parse_question(call.body)
    if account.options.strict_queries and scope.spans_partitions(call.headers):
        _demand_plan(question)
    position = continuation.decode(call.headers.get("x-ms-continuation", ""), question.fingerprint)
    wanted = PageRequest(question, position, call.page_size, account.clock.now())
    page = await account.queries.page(container, within, wanted)
    reply = feed_reply(page, "Documents", container.rid, question.fingerprint)
    reply.charge = charges.query_ru(map(len, page.rows), page.examined)
    reply.headers |= {RANGE_HEADER: within.range.id, **_metrics(call, page)}
    return reply


def plan_query(_account: Account, _container: Container, call: Call) -> Reply:
    """POST …/docs for the plan by which a client runs a query on every partition itself."""
    question = parse_question(call.body)
    return Reply(text=dump(query_plan(question.query.text, question.parameters)))


def _demand_plan(question: Question) -> None:
    """Raises BadRequest with the plan of a query whose pieces have to be merged, as the service does."""
    text = question.query.text
    if needs_plan(text):
        raise BadRequest(
            "This cross-partition query needs a query plan.",
            substatus=QUERY_PLAN_NEEDED,
            details={"additionalErrorInfo": dump(query_plan(text, question.parameters))},
        )


def get_items(account: Account, container: Container, call: Call) -> Reply:
    """GET …/docs is a read feed, or a change feed if it says so in `A-IM`."""
    within = scope.of_headers(container, call.headers)
    if "a-im" in call.headers:
        return _change_feed(account, container, call, within)
    return _read_feed(account, container, call, within)


def _read_feed(account: Account, container: Container, call: Call, within: Scope) -> Reply:
    position = continuation.decode(call.headers.get("x-ms-continuation", ""), READ_FEED)
    plan = scope.scan(container, within, None, account.clock.now().timestamp())
    with closing(account.store.run(plan.statement, **plan.parameters, after=position.document)) as rows:
        page = page_of_texts(((row[0], with_system_properties(container, *row)) for row in rows), call.page_size)
    reply = feed_reply(page, "Documents", container.rid, READ_FEED)
    reply.charge = charges.feed_ru(map(len, page.rows))
    reply.headers[RANGE_HEADER] = within.range.id
    return reply


def _change_feed(account: Account, container: Container, call: Call, within: Scope) -> Reply:
    reader = change_feed.reader_of(call.headers, call.page_size)
    page = change_feed.read(account.store, container, within, reader, account.clock.now())
    headers = {
        "etag": f'"{page.lsn}"',
        "x-ms-item-count": str(len(page.entries)),
        RANGE_HEADER: within.range.id,
    }
    if not page.entries:
        return Reply(304, headers=headers)
    text = f'{{"_rid":"{container.rid}","Documents":[{",".join(page.entries)}],"_count":{len(page.entries)}}}'
    return Reply(text=text, charge=charges.feed_ru(map(len, page.entries)), headers=headers)


def _metrics(call: Call, page: Page) -> Mapping[str, str]:
    headers = {}
    if call.flag("x-ms-documentdb-populatequerymetrics"):
        headers["x-ms-documentdb-query-metrics"] = _query_metrics(page)
    if call.flag("x-ms-cosmos-populateindexmetrics"):
        kinds = ("UtilizedSingle", "PotentialSingle", "UtilizedComposite", "PotentialComposite")
        nothing = dump({f"{kind}Indexes": [] for kind in kinds})
        headers["x-ms-cosmos-index-utilization"] = base64.b64encode(nothing.encode()).decode()
    return headers


def _query_metrics(page: Page) -> str:
    """The counts are real; the server does not measure the phases that the service times."""
    timed = (
        "totalExecutionTimeInMs",
        "queryCompileTimeInMs",
        "queryLogicalPlanBuildTimeInMs",
        "queryPhysicalPlanBuildTimeInMs",
        "queryOptimizationTimeInMs",
        "VMExecutionTimeInMs",
        "indexLookupTimeInMs",
        "documentLoadTimeInMs",
        "systemFunctionExecuteTimeInMs",
        "userFunctionExecuteTimeInMs",
        "writeOutputTimeInMs",
    )
    counts = {
        "instructionCount": page.examined,
        "retrievedDocumentCount": page.examined,
        "retrievedDocumentSize": page.examined_size,
        "outputDocumentCount": len(page.rows),
        "outputDocumentSize": page.size,
    }
    used = len(page.rows) / page.examined if page.examined else 1.0
    parts = [*(f"{name}=0.00" for name in timed), *(f"{name}={count}" for name, count in counts.items())]
    return ";".join([*parts, f"indexUtilizationRatio={min(used, 1.0):.2f}"])
