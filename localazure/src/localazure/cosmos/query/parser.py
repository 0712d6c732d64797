"""Clauses of a query: recursive descent over the tokens. Expressions are read by `expressions.ExpressionParser`."""

from __future__ import annotations

from localazure.cosmos.query.errors import BAD_BOUND, STAR_WITH_GROUP_BY, SYNTAX, QueryError
from localazure.cosmos.query.expressions import ExpressionParser
from localazure.cosmos.query.lexer import RESERVED, Kind, Token
from localazure.cosmos.query.nodes import (
    Constant,
    Expression,
    Item,
    Name,
    Order,
    Parameter,
    Path,
    Query,
    Source,
)
from localazure.cosmos.query.values import is_string


def parse(tokens: list[Token]) -> Query:
    """The syntax tree of a whole query. Raises QueryError with the place of the mistake."""
    parser = Parser(tokens)
    query = parser.query()
    parser.expect_end()
    return query


class Parser(ExpressionParser):
    """Reads clauses in their fixed order."""

    def query(self) -> Query:
        """One query, from SELECT up to where no further clause follows."""
        with self.nested(3):
            start = self.expect("SELECT").span[0]
            distinct = self.accept("DISTINCT")
            top = self._bound() if self.accept("TOP") else None
            select, select_span = self._select()
            sources = self._sources() if self.accept("FROM") else ()
            where = self.expression() if self.accept("WHERE") else None
            group_by = self._group_by()
            order_start = self.start
            order_by = self._order_by()
            order_span = (order_start, self.end)
            offset, limit = self._paging()
            query = Query(
                select=select,
                select_span=select_span,
                distinct=distinct,
                top=top,
                sources=sources,
                where=where,
                group_by=group_by,
                order_by=order_by,
                order_span=order_span,
                offset=offset,
                limit=limit,
                span=(start, self.end),
            )
        _check(query)
        return query

    def _bound(self) -> Constant | Parameter:
        token = self.take()
        if token.kind is Kind.PARAMETER:
            return Parameter(token.text, span=token.span)
        if token.kind is not Kind.NUMBER:
            raise self.unexpected(token)
        if type(token.value) is not int:
            raise QueryError(BAD_BOUND, "TOP, OFFSET and LIMIT need a whole number.", *token.span)
        return Constant(token.value, span=token.span)

    def _select(self) -> tuple[Expression | tuple[Item, ...] | None, tuple[int, int]]:
        start = self.start
        select: Expression | tuple[Item, ...] | None
        if self.accept("*"):
            select = None
        elif self.accept("VALUE"):
            select = self.expression()
        else:
            select = self._items()
        return select, (start, self.end)

    def _items(self) -> tuple[Item, ...]:
        items: list[Item] = []
        unnamed = 0
        while not items or self.accept(","):
            start = self.start
            expression = self.expression()
            name = self._item_alias() or _own_name(expression)
            if name is None:
                unnamed += 1
                name = f"${unnamed}"
            items.append(Item(name, expression, span=(start, self.end)))
        return tuple(items)

    def _item_alias(self) -> str | None:
        explicit = self.accept("AS")
        if self.current.kind is Kind.STRING:
            return str(self.take().value)
        return self.alias() if explicit else self._bare_alias()

    def _bare_alias(self) -> str | None:
        token = self.current
        return self.alias() if token.kind is Kind.NAME and token.keyword not in RESERVED else None

    def _sources(self) -> tuple[Source, ...]:
        sources = [self._source()]
        while self.accept("JOIN"):
            sources.append(self._source())
        return tuple(sources)

    def _source(self) -> Source:
        start = self.start
        if self.current.kind is Kind.NAME and self.following == "IN":
            alias = self.alias()
            self.expect("IN")
            origin, container = self._origin()
            return Source(origin, container, alias, each=True, span=(start, self.end))
        origin, container = self._origin()
        alias_given = self.alias() if self.accept("AS") else self._bare_alias()
        return Source(origin, container, alias_given or _origin_name(origin), each=False, span=(start, self.end))

    def _origin(self) -> tuple[Expression | Query, str | None]:
        if self.accept("("):
            query = self.query()
            self.expect(")")
            return query, None
        start = self.start
        container = self.alias()
        return self.path(start, Name(container, span=(start, self.end))), container

    def _group_by(self) -> tuple[Expression, ...]:
        if not self.accept("GROUP"):
            return ()
        self.expect("BY")
        return self.expressions()

    def _order_by(self) -> tuple[Order, ...]:
        if not self.accept("ORDER"):
            return ()
        self.expect("BY")
        orders: list[Order] = []
        while not orders or self.accept(","):
            start = self.start
            expression = self.expression()
            descending = self.accept("DESC")
            if not descending:
                self.accept("ASC")
            orders.append(Order(expression, descending, span=(start, self.end)))
        return tuple(orders)

    def _paging(self) -> tuple[Constant | Parameter | None, Constant | Parameter | None]:
        if not self.accept("OFFSET"):
            return None, None
        offset = self._bound()
        self.expect("LIMIT")
        return offset, self._bound()


def _own_name(expression: Expression) -> str | None:
    """What a select expression is called when it is given no alias."""
    if isinstance(expression, Name):
        return expression.name
    if isinstance(expression, Path):
        last = expression.keys[-1]
        return last.value if isinstance(last, Constant) and is_string(last.value) else None
    return None


def _origin_name(origin: Expression | Query) -> str | None:
    return None if isinstance(origin, Query) else _own_name(origin)


def _check(query: Query) -> None:
    """Rules that tie clauses together."""
    if query.select is None:
        if query.group_by:
            raise QueryError(STAR_WITH_GROUP_BY, "'SELECT *' is not allowed with GROUP BY.", *query.select_span)
        if not query.sources:
            raise QueryError(SYNTAX, "'SELECT *' is not valid if FROM clause is omitted.", *query.select_span)
        if len(query.sources) > 1:
            raise QueryError(SYNTAX, "'SELECT *' is only valid with a single input set.", *query.select_span)
    if query.group_by and query.order_by:
        raise QueryError(SYNTAX, "ORDER BY is not allowed together with GROUP BY.", *query.order_span)
