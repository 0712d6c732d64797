"""A query as a pipeline: FROM and JOIN, WHERE, GROUP BY, ORDER BY, SELECT, DISTINCT, OFFSET/LIMIT, TOP.

Each stage is a generator over frames, so a query that neither sorts nor groups stops reading documents as soon as it
has its rows. A subquery is the same pipeline, started with the frame of the row around it.

Rows that are sorted or grouped carry their place, so that a later page can begin behind the last row of an earlier one
whatever was written in between.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from heapq import nsmallest
from itertools import islice
from typing import Any, TypeAlias

from localazure.cosmos.query import nodes
from localazure.cosmos.query.aggregates import AGGREGATES
from localazure.cosmos.query.bounds import read_bounds
from localazure.cosmos.query.compile import compile_all, compile_expression, compile_members, compiles
from localazure.cosmos.query.places import Place, Row, place_order
from localazure.cosmos.query.scope import Aggregation, Evaluator, Frame, Scope
from localazure.cosmos.query.values import UNDEFINED, canonical, distinct, first_of_each, sort_key

Opening: TypeAlias = Callable[[Frame, Iterable[Any]], Iterator[Frame]]
Placed: TypeAlias = tuple[int, int, Frame]  # number of the document, number within it


@dataclass(frozen=True, slots=True)
class Grouping:
    """GROUP BY: the keys of a row, and the aggregates over the rows of a group."""

    keys: list[Evaluator]
    aggregation: Aggregation

    def groups(self, rows: Iterable[Placed], outer: Frame) -> Iterator[Placed]:
        """One row per group where its first member is; without keys there is exactly one group."""
        found: dict[Any, tuple[int, int, tuple[Any, ...], list[Any]]] = {}
        if not self.keys:
            found[()] = (0, 0, (), self._start())
        for number, index, frame in rows:
            key = tuple([read(frame) for read in self.keys])
            identity = tuple(map(canonical, key))
            group = found.get(identity) or found.setdefault(identity, (number, index, key, self._start()))
            for state, (_, argument) in zip(group[3], self.aggregation.calls, strict=True):
                if (value := argument(frame)) is not UNDEFINED:
                    state.add(value)
        for number, index, key, states in found.values():
            yield number, index, outer.bind(key).bind(tuple(state.result() for state in states))

    def _start(self) -> list[Any]:
        return [kind() for kind, _ in self.aggregation.calls]


@dataclass(frozen=True, slots=True)
class Select:
    """A compiled query or subquery."""

    query: nodes.Query
    opening: Opening
    joins: list[Callable[[Frame], Iterable[Any]]]
    where: Evaluator | None
    grouping: Grouping | None
    order: list[tuple[Evaluator, bool]]
    project: Evaluator
    by_document: bool

    @property
    def streaming(self) -> bool:
        """Whether the rows of each document are independent of other documents and of their order."""
        return self.by_document and not (self.grouping or self.order or self.query.distinct)

    def rows(self, outer: Frame, documents: Iterable[Any]) -> Iterator[Any]:
        """All rows of the query. `documents` feed a FROM that names the container."""
        return read_bounds(self.query, outer.context.parameters).apply(self.unbounded_rows(outer, documents))

    def unbounded_rows(self, outer: Frame, documents: Iterable[Any]) -> Iterator[Any]:
        """The rows before TOP, OFFSET and LIMIT."""
        if self.grouping or self.order:
            return (row.value for row in self._ordered(outer, enumerate(documents)))
        project = self.project
        frames = self._matching(outer, documents)
        values = (value for frame in frames if (value := project(frame)) is not UNDEFINED)
        return distinct(values) if self.query.distinct else values

    def rows_after(
        self, outer: Frame, documents: Iterable[tuple[int, Any]], after: Place | None, count: int
    ) -> list[Row]:
        """The first `count` rows behind a place, before TOP, OFFSET and LIMIT.

        `documents` come with their numbers, in ascending order. No more rows than asked for are kept unless the query
        groups them or takes repeats out of sorted ones.
        """
        sort = self._sorts_on_its_own
        rows = self._placed_rows(outer, documents) if sort else self._ordered(outer, documents)
        order = place_order([descending for _, descending in self.order])
        if after is not None:
            start = order(after)
            rows = (row for row in rows if order(row.place) > start)
        return nsmallest(count, rows, key=lambda row: order(row.place)) if sort else list(islice(rows, count))

    @property
    def _sorts_on_its_own(self) -> bool:
        return bool(self.order) and not self.query.distinct

    def _ordered(self, outer: Frame, documents: Iterable[tuple[int, Any]]) -> Iterator[Row]:
        rows = self._placed_rows(outer, documents)
        if self.order:
            order = place_order([descending for _, descending in self.order])
            rows = iter(sorted(rows, key=lambda row: order(row.place)))
        return first_of_each(rows, key=lambda row: row.value) if self.query.distinct else rows

    def _placed_rows(self, outer: Frame, documents: Iterable[tuple[int, Any]]) -> Iterator[Row]:
        placed = self._placed(outer, documents)
        if self.grouping:
            placed = self.grouping.groups(placed, outer)
        for number, index, frame in placed:
            if (value := self.project(frame)) is not UNDEFINED:
                keys = tuple([sort_key(key(frame)) for key, _ in self.order])
                yield Row(Place(keys, number, index), value)

    def _placed(self, outer: Frame, documents: Iterable[tuple[int, Any]]) -> Iterator[Placed]:
        if not self.by_document:
            frames = self._matching(outer, (document for _, document in documents))
            yield from ((0, index, frame) for index, frame in enumerate(frames))
            return
        for number, document in documents:
            for index, frame in enumerate(self._matching(outer, [document])):
                yield number, index, frame

    def _matching(self, outer: Frame, documents: Iterable[Any]) -> Iterator[Frame]:
        frames = self.opening(outer, documents)
        for source in self.joins:
            frames = _joined(frames, source)
        where = self.where
        return frames if where is None else (frame for frame in frames if where(frame) is True)


def _joined(frames: Iterable[Frame], source: Callable[[Frame], Iterable[Any]]) -> Iterator[Frame]:
    return (frame.bind(value) for frame in frames for value in source(frame))


def compile_select(query: nodes.Query, scope: Scope, *, root: bool) -> Select:
    """Compile a query inside `scope`; in a `root` query the first name of FROM is the container."""
    outer = scope.inner()
    opening, scope, by_document = _opening(query.sources, outer, root)
    joins = []
    for source in query.sources[1:]:
        joins.append(_source(source, scope))
        scope = scope.bind(source.alias)
    where = compile_expression(query.where, scope) if query.where is not None else None
    order = [(compile_expression(key.expression, scope), key.descending) for key in query.order_by]
    grouping = None
    if query.group_by or aggregates_of(query.select):
        keys = compile_all(query.group_by, scope)
        scope, aggregation = scope.grouped(outer, query.group_by)
        grouping = Grouping(keys, aggregation)
    return Select(
        query=query,
        opening=opening,
        joins=joins,
        where=where,
        grouping=grouping,
        order=[] if grouping else order,  # an aggregate without GROUP BY leaves a single row
        project=_projection(query.select, scope),
        by_document=by_document,
    )


def _opening(sources: tuple[nodes.Source, ...], scope: Scope, root: bool) -> tuple[Opening, Scope, bool]:
    """The first source, the scope behind it, and whether it treats every document on its own."""
    if not sources:
        return (lambda outer, _: iter([outer])), scope, False
    source = sources[0]
    inside = scope.bind(source.alias)
    if not root:
        values = _source(source, scope)
        return (lambda outer, _: (outer.bind(value) for value in values(outer))), inside, False
    each = source.each
    if isinstance(source.origin, nodes.Query):
        inner = compile_select(source.origin, scope, root=True)

        def from_rows(outer: Frame, documents: Iterable[Any]) -> Iterator[Frame]:
            return (outer.bind(value) for row in inner.rows(outer, documents) for value in _values(row, each))

        return from_rows, inside, inner.streaming and inner.query.top is None and inner.query.limit is None
    read = compile_expression(source.origin, scope.bind(source.container))

    def from_documents(outer: Frame, documents: Iterable[Any]) -> Iterator[Frame]:
        return (outer.bind(value) for document in documents for value in _values(read(outer.bind(document)), each))

    return from_documents, inside, True


def _source(source: nodes.Source, scope: Scope) -> Callable[[Frame], Iterable[Any]]:
    """The values that a source contributes to one row."""
    each = source.each
    if isinstance(source.origin, nodes.Query):
        inner = compile_select(source.origin, scope, root=False)
        return lambda frame: (value for row in inner.rows(frame, ()) for value in _values(row, each))
    read = compile_expression(source.origin, scope)
    return lambda frame: _values(read(frame), each)


def _values(value: Any, each: bool) -> Iterable[Any]:
    if each:
        return value if type(value) is list else ()
    return () if value is UNDEFINED else (value,)


def aggregates_of(select: nodes.Expression | tuple[nodes.Item, ...] | None) -> list[nodes.Call]:
    """The aggregates in a select list, but for those of its subqueries."""
    expressions = [item.expression for item in select] if isinstance(select, tuple) else [select] if select else []
    return [
        node
        for expression in expressions
        for node in nodes.walk(expression)
        if isinstance(node, nodes.Call) and node.name in AGGREGATES
    ]


def _projection(select: nodes.Expression | tuple[nodes.Item, ...] | None, scope: Scope) -> Evaluator:
    if select is None:
        return lambda frame: frame.values[-1]
    if isinstance(select, tuple):
        return compile_members(tuple((item.name, item.expression) for item in select), scope)
    return compile_expression(select, scope)


@compiles(nodes.Subquery)
def _subquery(node: nodes.Subquery, scope: Scope) -> Evaluator:
    inner = compile_select(node.query, scope, root=False)
    if node.kind == "exists":
        return lambda frame: any(True for _ in inner.rows(frame, ()))
    if node.kind == "array":
        return lambda frame: list(inner.rows(frame, ()))
    return lambda frame: next(inner.rows(frame, ()), UNDEFINED)
