"""A query as a pipeline: FROM and JOIN, WHERE, GROUP BY, ORDER BY, SELECT, DISTINCT, OFFSET/LIMIT, TOP.

Each stage is a generator over frames, so a query that neither sorts nor groups stops reading documents as soon as it
has its rows. A subquery is the same pipeline, started with the frame of the row around it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from localazure.cosmos.query import nodes
from localazure.cosmos.query.aggregates import AGGREGATES
from localazure.cosmos.query.bounds import read_bounds
from localazure.cosmos.query.compile import compile_all, compile_expression, compile_members, compiles
from localazure.cosmos.query.scope import Aggregation, Evaluator, Frame, Scope
from localazure.cosmos.query.values import UNDEFINED, canonical, distinct, sort_key

Opening: TypeAlias = Callable[[Frame, Iterable[Any]], Iterator[Frame]]


@dataclass(frozen=True, slots=True)
class Grouping:
    """GROUP BY: the keys of a row, and the aggregates over the rows of a group."""

    keys: list[Evaluator]
    aggregation: Aggregation

    def groups(self, frames: Iterable[Frame], outer: Frame) -> Iterator[Frame]:
        """One frame per group in order of first occurrence; without keys there is exactly one group."""
        found: dict[Any, tuple[tuple[Any, ...], list[Any]]] = {}
        if not self.keys:
            found[()] = ((), self._start())
        for frame in frames:
            key = tuple(read(frame) for read in self.keys)
            _, states = found.setdefault(tuple(map(canonical, key)), (key, self._start()))
            for state, (_, argument) in zip(states, self.aggregation.calls, strict=True):
                if (value := argument(frame)) is not UNDEFINED:
                    state.add(value)
        for key, states in found.values():
            yield outer.bind(key).bind(tuple(state.result() for state in states))

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
    streaming: bool

    def rows(self, outer: Frame, documents: Iterable[Any]) -> Iterator[Any]:
        """All rows of the query. `documents` feed a FROM that names the container."""
        return read_bounds(self.query, outer.context.parameters).apply(self.unbounded_rows(outer, documents))

    def unbounded_rows(self, outer: Frame, documents: Iterable[Any]) -> Iterator[Any]:
        """The rows before TOP, OFFSET and LIMIT."""
        frames = self._matching(outer, documents)
        if self.grouping:
            frames = self.grouping.groups(frames, outer)
        elif self.order:
            frames = self._sorted(frames)
        values = (value for frame in frames if (value := self.project(frame)) is not UNDEFINED)
        return distinct(values) if self.query.distinct else values

    def _matching(self, outer: Frame, documents: Iterable[Any]) -> Iterator[Frame]:
        frames = self.opening(outer, documents)
        for source in self.joins:
            frames = _joined(frames, source)
        where = self.where
        return frames if where is None else (frame for frame in frames if where(frame) is True)

    def _sorted(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        ordered = list(frames)
        for key, descending in reversed(self.order):
            ordered.sort(key=lambda frame, key=key: sort_key(key(frame)), reverse=descending)  # type: ignore[misc]  # a default binds the loop's key
        return iter(ordered)


def _joined(frames: Iterable[Frame], source: Callable[[Frame], Iterable[Any]]) -> Iterator[Frame]:
    return (frame.bind(value) for frame in frames for value in source(frame))


def compile_select(query: nodes.Query, scope: Scope, *, root: bool) -> Select:
    """Compile a query inside `scope`; in a `root` query the first name of FROM is the container."""
    outer = scope.inner()
    opening, scope, streaming = _opening(query.sources, outer, root)
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
        order=order,
        project=_projection(query.select, scope),
        streaming=streaming and not (grouping or order or query.distinct),
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
