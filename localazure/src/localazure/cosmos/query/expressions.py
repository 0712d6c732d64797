"""Expressions: operators by precedence, then paths, calls and literals.

One loop per precedence gathers all operands of a chain before it builds a node, so the depth of the tree follows the
nesting of the text and not its length. Nesting is limited, because both this parser and the compiled query recurse.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NoReturn

from localazure.cosmos.query.errors import SYNTAX, UNKNOWN_FUNCTION, QueryError
from localazure.cosmos.query.lexer import FILTER_PLACEHOLDER, RESERVED, Kind, Token
from localazure.cosmos.query.nodes import (
    And,
    ArrayOf,
    Between,
    Call,
    Chain,
    Coalesce,
    Comparison,
    Conditional,
    Constant,
    Expression,
    In,
    Like,
    Name,
    Not,
    ObjectOf,
    Or,
    Parameter,
    Path,
    Query,
    Subquery,
    Unary,
)
from localazure.cosmos.query.values import UNDEFINED

MAX_DEPTH: Final = 100

_COMPARISONS: Final = ("=", "!=", "<>", "<", ">", "<=", ">=", "IN", "BETWEEN", "LIKE", "NOT")
_PRECEDENCE: Final = {
    operator: level
    for level, operators in enumerate(
        [
            ("??",),
            ("OR",),
            ("AND",),
            _COMPARISONS,
            ("|",),
            ("^",),
            ("&",),
            ("<<", ">>", ">>>"),
            ("+", "-", "||"),
            ("*", "/", "%"),
        ]
    )
    for operator in operators
}
_COALESCE, _OR, _AND, _COMPARE = range(4)
_LITERALS: Final = {
    "TRUE": True,
    "FALSE": False,
    "NULL": None,
    "UNDEFINED": UNDEFINED,
    FILTER_PLACEHOLDER.upper(): True,
}


class ExpressionParser(ABC):
    """The token cursor and everything below the clauses."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._position = 0
        self._depth = 0

    @abstractmethod
    def query(self) -> Query:
        """A whole query, as it stands inside parentheses."""

    @property
    def current(self) -> Token:
        """The token that will be taken next."""
        return self._tokens[self._position]

    @property
    def following(self) -> str:
        """The keyword after the current token."""
        return self._tokens[min(self._position + 1, len(self._tokens) - 1)].keyword

    @property
    def start(self) -> int:
        """Where the current token starts."""
        return self.current.span[0]

    @property
    def end(self) -> int:
        """Where the token taken last ended."""
        return self._tokens[self._position - 1].span[1] if self._position else 0

    def take(self) -> Token:
        """The current token; the cursor moves on, except at the end."""
        token = self.current
        if token.kind is not Kind.END:
            self._position += 1
        return token

    def accept(self, keyword: str) -> bool:
        """Take the current token if it is this keyword or symbol."""
        if self.current.keyword != keyword:
            return False
        self._position += 1
        return True

    def expect(self, keyword: str) -> Token:
        """Take this keyword or symbol. Raises QueryError when something else stands here."""
        token = self.take()
        if token.keyword != keyword:
            raise self.unexpected(token)
        return token

    def expect_end(self) -> None:
        """Raises QueryError when text is left."""
        if self.current.kind is not Kind.END:
            raise self.unexpected(self.current)

    def unexpected(self, token: Token) -> QueryError:
        """The error for a token that cannot stand where it stands."""
        message = f"Syntax error near '{token.text}'." if token.text else "Syntax error: the query ends too early."
        return QueryError(SYNTAX, message, *token.span)

    @contextmanager
    def nested(self, levels: int = 1) -> Iterator[None]:
        """Count nesting while the block runs. Raises QueryError beyond the limit."""
        outer = self._depth
        self._deepen(levels)
        yield
        self._depth = outer

    def _deepen(self, levels: int) -> None:
        self._depth += levels
        if self._depth > MAX_DEPTH:
            raise QueryError(SYNTAX, "The query is nested too deeply.", *self.current.span)

    def alias(self) -> str:
        """A name that is not a keyword."""
        token = self.take()
        if token.kind is not Kind.NAME or token.keyword in RESERVED:
            raise self.unexpected(token)
        return token.text

    def expressions(self) -> tuple[Expression, ...]:
        """One or more expressions between commas."""
        found = [self.expression()]
        while self.accept(","):
            found.append(self.expression())
        return tuple(found)

    def expression(self) -> Expression:
        """Any expression, `? :` included."""
        start = self.start
        condition = self._binary(_COALESCE)
        if not self.accept("?"):
            return condition
        with self.nested():
            yes = self.expression()
            self.expect(":")
            return Conditional(condition, yes, self.expression(), span=(start, self.end))

    def _level(self) -> int:
        """The precedence of the operator that stands here, -1 if there is none."""
        keyword = self.current.keyword
        if keyword == "NOT" and self.following not in ("IN", "BETWEEN", "LIKE"):
            return -1
        return _PRECEDENCE.get(keyword, -1)

    def _binary(self, least: int) -> Expression:
        """A chain of operators that bind at least as tightly as level `least`."""
        with self.nested():
            start = self.start
            left = self._unary()
            while (level := self._level()) >= least:
                if level == _COMPARE:
                    left = self._comparison(start, left)
                    self._deepen(1)
                    continue
                rest: list[tuple[str, Expression]] = []
                while self._level() == level:
                    operator = self.take().keyword
                    rest.append((operator, self._binary(level + 1)))
                left = _joined(level, left, rest, (start, self.end))
            return left

    def _comparison(self, start: int, left: Expression) -> Expression:
        if self.accept("NOT"):
            positive = self._comparison(start, left)
            return Not(positive, span=positive.span)
        operator = self.take().keyword
        if operator == "IN":
            self.expect("(")
            items = self.expressions()
            self.expect(")")
            return In(left, items, span=(start, self.end))
        right = self._binary(_COMPARE + 1)
        if operator == "BETWEEN":
            self.expect("AND")
            return Between(left, right, self._binary(_COMPARE + 1), span=(start, self.end))
        if operator == "LIKE":
            return Like(left, right, self._escape(), span=(start, self.end))
        return Comparison("!=" if operator == "<>" else operator, left, right, span=(start, self.end))

    def _escape(self) -> str | None:
        if not self.accept("ESCAPE"):
            return None
        token = self.take()
        if token.kind is not Kind.STRING or len(token.value) != 1:
            raise self.unexpected(token)
        return str(token.value)

    def _unary(self) -> Expression:
        token = self.current
        if token.keyword == "NOT":
            self.take()
            operand = self._binary(_COMPARE)
            return Not(operand, span=(token.span[0], self.end))
        if token.keyword in ("-", "+", "~"):
            self.take()
            with self.nested():
                operand = self._unary()
            return Unary(token.keyword, operand, span=(token.span[0], self.end))
        return self.path(token.span[0], self._primary())

    def path(self, start: int, base: Expression) -> Expression:
        """`base`, which begins at `start`, with the `.name` and `[key]` that follow it."""
        keys: list[Expression] = []
        while True:
            if self.accept("."):
                token = self.take()
                if token.kind is not Kind.NAME:
                    raise self.unexpected(token)
                keys.append(Constant(token.text, span=token.span))
            elif self.accept("["):
                keys.append(self.expression())
                self.expect("]")
            else:
                return Path(base, tuple(keys), span=(start, self.end)) if keys else base

    def _primary(self) -> Expression:
        token = self.take()
        keyword = token.keyword
        if token.kind in (Kind.NUMBER, Kind.STRING):
            return Constant(token.value, span=token.span)
        if token.kind is Kind.PARAMETER:
            return Parameter(token.text, span=token.span)
        if keyword in _LITERALS:
            return Constant(_LITERALS[keyword], span=token.span)
        if keyword == "(":
            return self._parenthesised(token)
        if keyword == "[":
            return self._array(token)
        if keyword == "{":
            return self._object(token)
        if keyword in ("EXISTS", "ARRAY") and self.current.keyword == "(":
            self.take()
            query = self.query()
            self.expect(")")
            return Subquery("exists" if keyword == "EXISTS" else "array", query, span=(token.span[0], self.end))
        if token.kind is Kind.NAME and keyword not in RESERVED:
            return self._name(token)
        raise self.unexpected(token)

    def _parenthesised(self, opening: Token) -> Expression:
        if self.current.keyword == "SELECT":
            query = self.query()
            self.expect(")")
            return Subquery("scalar", query, span=(opening.span[0], self.end))
        inner = self.expression()
        self.expect(")")
        return inner

    def _array(self, opening: Token) -> ArrayOf:
        items = () if self.current.keyword == "]" else self.expressions()
        self.expect("]")
        return ArrayOf(items, span=(opening.span[0], self.end))

    def _object(self, opening: Token) -> ObjectOf:
        members: list[tuple[str, Expression]] = []
        while self.current.keyword != "}" if not members else self.accept(","):
            token = self.take()
            if token.kind not in (Kind.STRING, Kind.NAME):
                raise self.unexpected(token)
            self.expect(":")
            members.append((str(token.value), self.expression()))
        self.expect("}")
        return ObjectOf(tuple(members), span=(opening.span[0], self.end))

    def _name(self, token: Token) -> Expression:
        if token.keyword == "UDF" and self.current.keyword == ".":
            self._reject_user_function(token)
        if not self.accept("("):
            return Name(token.text, span=token.span)
        arguments = () if self.current.keyword == ")" else self.expressions()
        self.expect(")")
        return Call(token.keyword, arguments, span=(token.span[0], self.end))

    def _reject_user_function(self, token: Token) -> NoReturn:
        self.take()
        raise QueryError(
            UNKNOWN_FUNCTION, "User-defined functions are not supported.", token.span[0], self.take().span[1]
        )


def _joined(level: int, first: Expression, rest: list[tuple[str, Expression]], span: tuple[int, int]) -> Expression:
    operands = (first, *(operand for _, operand in rest))
    if level == _COALESCE:
        return Coalesce(operands, span=span)
    if level == _OR:
        return Or(operands, span=span)
    if level == _AND:
        return And(operands, span=span)
    return Chain(first, tuple(rest), span=span)
