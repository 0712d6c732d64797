"""Feeds of databases, containers and offers: lists and queries over a handful of documents in memory."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from localazure.cosmos import continuation
from localazure.cosmos.jsontext import dump
from localazure.cosmos.messages import Call, Reply
from localazure.cosmos.query_feed import (
    Page,
    PageRequest,
    first_needed,
    page_of,
    page_of_texts,
    parse_question,
    token_of,
)


def feed_of(call: Call, name: str, rid: str, documents: Iterable[dict[str, Any]], now: datetime) -> Reply:
    """Answer a list or a query of resources. Raises QueryError and BadRequest."""
    candidates = list(enumerate(map(dump, documents), start=1))
    token = call.headers.get("x-ms-continuation", "")
    if call.method == "GET":
        position = continuation.decode(token, name)
        page = page_of_texts(candidates[position.document :], call.page_size)
        return feed_reply(page, name, rid, name)
    question = parse_question(call.body)
    position = continuation.decode(token, question.fingerprint)
    needed = candidates[first_needed(question.query, position) - 1 :]
    page = page_of(PageRequest(question, position, call.page_size, now), needed)
    return feed_reply(page, name, rid, question.fingerprint)


def feed_reply(page: Page, name: str, rid: str, fingerprint: str) -> Reply:
    """The reply that holds a page. It has no ETag: clients would take one for a continuation."""
    headers = {"x-ms-item-count": str(len(page.rows))}
    if page.next:
        headers["x-ms-continuation"] = token_of(page, fingerprint)
    text = f'{{"_rid":"{rid}","{name}":[{",".join(page.rows)}],"_count":{len(page.rows)}}}'
    return Reply(text=text, headers=headers)
