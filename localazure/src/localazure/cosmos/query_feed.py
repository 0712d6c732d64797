"""Pages of query results.

A *streaming* query (no ORDER BY, GROUP BY, DISTINCT or aggregate) goes through the items in creation order and stops
when the page is full. Any other query looks at all items for each page and takes the rows behind the last one
delivered. Either way the continuation is a place among the rows and not their count, so writes between two pages
neither repeat nor hide what was there.

A query that has to look at many items runs in a thread on a snapshot of the store, so that it holds up no other
client; one that has few is answered at once, unless a JOIN or subquery may make many rows of each.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from localazure.cosmos import continuation
from localazure.cosmos.continuation import Position
from localazure.cosmos.errors import BadRequest
from localazure.cosmos.jsontext import canonical, dump, parse, parse_object, utf8_size
from localazure.cosmos.messages import MAX_PAGE_BYTES
from localazure.cosmos.property_index import PropertyIndexes
from localazure.cosmos.query import UNDEFINED, CompiledQuery, Place, compile_query
from localazure.cosmos.resources import Container
from localazure.cosmos.scope import Scan, Scope, narrowed, scan
from localazure.cosmos.store import Store
from localazure.cosmos.writer import with_system_properties

MAX_QUERY_BYTES: Final = 512 * 1024
FEW_ITEMS: Final = 100
THREADS: Final = 2

ID_PATH: Final = ("id",)

Candidate = tuple[int, str]  # creation number, JSON text with system properties


@dataclass(frozen=True, slots=True)
class Question:
    """A parsed query with its parameters, and what a continuation token is checked against."""

    query: CompiledQuery
    parameters: Mapping[str, Any]
    fingerprint: str


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page of an answer is wanted, and the time for functions that ask for it."""

    question: Question
    position: Position
    size: int
    now: datetime


@dataclass(slots=True)
class Page:
    """Rows as JSON texts, and where to go on; None at the end."""

    rows: list[str] = field(default_factory=list)
    size: int = 0
    examined: int = 0
    examined_size: int = 0
    next: Position | None = None

    def take(self, text: str, page_size: int) -> bool:
        """Add a row if there is room for it; the first row always fits."""
        size = utf8_size(text)
        if self.rows and (len(self.rows) >= page_size or self.size + size > MAX_PAGE_BYTES):
            return False
        self.rows.append(text)
        self.size += size
        return True


def parse_question(body: bytes) -> Question:
    """Read a query request. Raises BadRequest, and QueryError for the text of the query."""
    given = parse_object(body)
    text, listed = given.get("query"), given.get("parameters") or []
    if not isinstance(text, str) or len(text) > MAX_QUERY_BYTES:
        raise BadRequest("The body holds no query text, or one above 512 KB.")
    if not isinstance(listed, list) or not all(isinstance(one, dict) and "name" in one for one in listed):
        raise BadRequest("The parameters of a query are a list of objects with a name and a value.")
    parameters = {str(one["name"]): one.get("value", UNDEFINED) for one in listed}
    return Question(compile_query(text), parameters, text + canonical(listed))


class QueryRunner:
    """Answers queries over the items of a container."""

    def __init__(self, store: Store, indexes: PropertyIndexes) -> None:
        self._store = store
        self._indexes = indexes
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="query")

    async def page(self, container: Container, scope: Scope, wanted: PageRequest) -> Page:
        """One page of a query's rows. Raises QueryError."""
        query, parameters = wanted.question.query, wanted.question.parameters
        equalities = query.equalities(parameters)
        within = narrowed(container, scope, equalities)
        now, written = wanted.now.timestamp(), query.written(parameters)
        plan = scan(container, within, equalities.get(ID_PATH), now, written)
        if query.only_counts and plan.count:
            return await self._in_thread(self._count, plan)
        plan.parameters["after"] = first_needed(query, wanted.position) - 1
        few = self._few(container, plan)
        indexed = self._indexes.scan(container, within, equalities, plan.parameters) if few is None else None
        if indexed:
            plan, few = indexed, self._few(container, indexed)
        if few is not None:
            return page_of(wanted, few) if query.is_plain else await self._in_thread(page_of, wanted, few)
        return await self._in_thread(self._page_of_many, container, plan, wanted)

    def close(self) -> None:
        """Wait for running queries and end the threads."""
        self._threads.shutdown(cancel_futures=True)

    async def _in_thread(self, work: Callable[..., Page], *arguments: Any) -> Page:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)

    def _count(self, plan: Scan) -> Page:
        with self._store.snapshot(plan.count, **plan.parameters) as rows:
            (number,) = rows.fetchone()
        return Page(rows=[str(number)], size=len(str(number)), examined=number)

    def _few(self, container: Container, plan: Scan) -> list[Candidate] | None:
        """All candidates, unless there are many or they are large."""
        found: list[Candidate] = []
        size = 0
        with closing(self._store.run(plan.statement, **plan.parameters)) as rows:
            for candidate in _candidates(container, rows):
                size += len(candidate[1])
                if len(found) == FEW_ITEMS or size > MAX_PAGE_BYTES:
                    return None
                found.append(candidate)
        return found

    def _page_of_many(self, container: Container, plan: Scan, wanted: PageRequest) -> Page:
        with self._store.snapshot(plan.statement, **plan.parameters) as rows:
            return page_of(wanted, _candidates(container, rows))


def first_needed(query: CompiledQuery, position: Position) -> int:
    """The creation number of the first item that has to be looked at for the page behind a position."""
    return max(position.document, 1) if query.is_streaming else 1


def page_of(wanted: PageRequest, candidates: Iterable[Candidate]) -> Page:
    """One page of a query over candidates in creation order, from the first one needed."""
    page = Page()
    counted = _counted(candidates, page)
    if wanted.question.query.is_streaming:
        _stream(page, wanted, counted)
    else:
        _arrange(page, wanted, counted)
    return page


def page_of_texts(candidates: Iterable[Candidate], page_size: int) -> Page:
    """A page of whole items, without a query."""
    page = Page()
    last = 0
    for sequence, text in candidates:
        if not page.take(text, page_size):
            page.next = Position(Place((), last, 0))
            break
        last = sequence
    return page


def token_of(page: Page, fingerprint: str) -> str:
    """The continuation token of a page; empty at the end."""
    return continuation.encode(page.next, fingerprint) if page.next else ""


def _stream(page: Page, wanted: PageRequest, candidates: Iterable[Candidate]) -> None:
    question, position = wanted.question, wanted.position
    first, end = _window(question)
    seen = position.rows
    last = position.place
    for sequence, text in candidates:
        document = _parsed(text)
        rows = question.query.rows(document, question.parameters, wanted.now)
        done = last.row + 1 if last and sequence == last.document else 0
        for index in range(done, len(rows)):
            if seen >= end:
                return
            row = text if rows[index] is document else dump(rows[index])
            if seen >= first and not page.take(row, wanted.size):
                page.next = Position(last, seen)
                return
            seen += 1
            last = Place((), sequence, index)
        if seen >= end:
            return


def _arrange(page: Page, wanted: PageRequest, candidates: Iterable[Candidate]) -> None:
    question, position = wanted.question, wanted.position
    first, end = _window(question)
    seen = max(position.rows, first)
    skipped = 0 if position.place else seen
    rows = question.query.rows_after(
        ((sequence, _parsed(text)) for sequence, text in candidates),
        question.parameters,
        wanted.now,
        after=position.place,
        count=skipped + min(wanted.size + 1, max(end - seen, 0)),
    )
    place = position.place
    for row in rows[skipped:]:
        if not page.take(dump(row.value), wanted.size):
            page.next = Position(place, seen)
            return
        seen += 1
        place = row.place


def _window(question: Question) -> tuple[int, int]:
    bounds = question.query.bounds(question.parameters)
    return bounds.offset, sys.maxsize if bounds.count is None else bounds.offset + bounds.count


def _counted(candidates: Iterable[Candidate], page: Page) -> Iterator[Candidate]:
    for sequence, text in candidates:
        page.examined += 1
        page.examined_size += len(text)
        yield sequence, text


def _candidates(container: Container, rows: Iterable[tuple[Any, ...]]) -> Iterator[Candidate]:
    for sequence, body, etag, ts in rows:
        yield sequence, with_system_properties(container, sequence, body, etag, ts)


SMALL_TEXT: Final = 4096


def _parsed(text: str) -> dict[str, Any]:
    """The document of a text. Small ones are kept: repeated queries spend most of their time here."""
    document: dict[str, Any] = _parsed_before(text) if len(text) <= SMALL_TEXT else parse(text)
    return document


@lru_cache(maxsize=8192)
def _parsed_before(text: str) -> Any:
    return parse(text)
