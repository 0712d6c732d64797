"""A query, ready to run against documents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from localazure.cosmos.query import lookup
from localazure.cosmos.query.bounds import Bounds, read_bounds
from localazure.cosmos.query.errors import undeclared_parameter
from localazure.cosmos.query.intervals import Interval
from localazure.cosmos.query.lexer import Kind, tokenize
from localazure.cosmos.query.parser import parse
from localazure.cosmos.query.places import Place, Row
from localazure.cosmos.query.scope import Context, Frame, Scope
from localazure.cosmos.query.select import compile_select


@lru_cache(maxsize=128)
def compile_query(text: str) -> CompiledQuery:
    """Compile a query text; the most recent ones are kept. Raises QueryError."""
    return CompiledQuery(text)


class CompiledQuery:
    """One query text and its syntax `tree`. Instances are shared and hold no state between calls.

    A query that `is_plain` has neither JOIN nor subquery: it makes one row of each document or none, or as many as an
    array has elements.

    `parameters` maps `@name` to a JSON value, or to UNDEFINED for a parameter sent without a value. Every method but
    `rows` raises QueryError SC2001 when a parameter of the text is missing there; `rows`, called once per document,
    notices only the ones it comes across.
    """

    def __init__(self, text: str) -> None:
        tokens = tokenize(text)
        self.text = text
        self._parameters = {token.text: token.span for token in tokens if token.kind is Kind.PARAMETER}
        self.is_plain = sum(token.keyword in {"SELECT", "JOIN"} for token in tokens) == 1
        self.tree = parse(tokens)
        self._select = compile_select(self.tree, Scope(), root=True)

    @property
    def is_streaming(self) -> bool:
        """Whether the rows of each document are independent of other documents and of their order."""
        return self._select.streaming

    def bounds(self, parameters: Mapping[str, Any]) -> Bounds:
        """TOP, OFFSET and LIMIT. Raises QueryError SC2061 for anything but whole numbers from 0 on."""
        self._check(parameters)
        return read_bounds(self.tree, parameters)

    def equalities(self, parameters: Mapping[str, Any]) -> lookup.Equalities:
        """For property paths from the document's root, the values one of which every matching document has there."""
        self._check(parameters)
        return lookup.equalities(self.tree, parameters)

    def written(self, parameters: Mapping[str, Any]) -> Interval:
        """The seconds, from and to, in which every matching document was written last."""
        self._check(parameters)
        return lookup.written(self.tree, parameters)

    @property
    def only_counts(self) -> bool:
        """Whether the answer is nothing but the number of documents."""
        return lookup.only_counts(self.tree)

    def rows(self, document: dict[str, Any], parameters: Mapping[str, Any], now: datetime) -> list[Any]:
        """The rows of one document before TOP, OFFSET and LIMIT; for streaming queries only."""
        return list(self._select.unbounded_rows(Frame((), Context(parameters, now)), [document]))

    def rows_after(
        self,
        documents: Iterable[tuple[int, dict[str, Any]]],
        parameters: Mapping[str, Any],
        now: datetime,
        *,
        after: Place | None,
        count: int,
    ) -> list[Row]:
        """The first `count` rows behind a place (None: from the beginning), before TOP, OFFSET and LIMIT.

        Documents come with their numbers, in ascending order.
        """
        self._check(parameters)
        return self._select.rows_after(Frame((), Context(parameters, now)), documents, after, count)

    def run(self, documents: Iterable[dict[str, Any]], parameters: Mapping[str, Any], now: datetime) -> list[Any]:
        """The whole answer over documents in creation order, of which no more are read than needed."""
        self._check(parameters)
        return list(self._select.rows(Frame((), Context(parameters, now)), documents))

    def matches(self, document: dict[str, Any], parameters: Mapping[str, Any], now: datetime) -> bool:
        """Whether the document yields a row; a patch condition is the query `SELECT * ` + condition."""
        return bool(self.run([document], parameters, now))

    def _check(self, parameters: Mapping[str, Any]) -> None:
        for name, span in self._parameters.items():
            if name not in parameters:
                raise undeclared_parameter(name, span)
