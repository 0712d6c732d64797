"""The syntax tree of a query.

Nodes are immutable and compare by meaning: where they stand in the text (`span`) does not count, which is how a
select expression is recognised as one of the GROUP BY expressions. Lists of operands are kept flat, so that a
thousand ORed conditions are one node and not a thousand levels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any, Literal, TypeAlias

Span: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Anything with a place in the text."""

    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Constant(Node):
    """A literal: null, boolean, number, string or UNDEFINED."""

    value: Any


@dataclass(frozen=True, slots=True)
class Parameter(Node):
    """`@name`, whose value comes with the request."""

    name: str


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A reference to an alias."""

    name: str


@dataclass(frozen=True, slots=True)
class Path(Node):
    """`base.key[key]…`; `base.name` has the constant string as its key."""

    base: Expression
    keys: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """`- + ~` before a number."""

    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Chain(Node):
    """Arithmetic of one precedence, applied from left to right: `first op expr op expr …`."""

    first: Expression
    rest: tuple[tuple[str, Expression], ...]


@dataclass(frozen=True, slots=True)
class Comparison(Node):
    """`left op right` with one of `= != < > <= >=`."""

    operator: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class And(Node):
    """All of the operands."""

    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Or(Node):
    """Any of the operands."""

    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Not(Node):
    """The opposite of a boolean; also stands around negated IN, BETWEEN and LIKE."""

    operand: Expression


@dataclass(frozen=True, slots=True)
class Coalesce(Node):
    """`a ?? b ?? …`: the first that is neither undefined nor null."""

    operands: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Conditional(Node):
    """`condition ? yes : no`."""

    condition: Expression
    yes: Expression
    no: Expression


@dataclass(frozen=True, slots=True)
class In(Node):
    """`operand IN (items)`."""

    operand: Expression
    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Between(Node):
    """`operand BETWEEN low AND high`, both inclusive."""

    operand: Expression
    low: Expression
    high: Expression


@dataclass(frozen=True, slots=True)
class Like(Node):
    """`operand LIKE pattern [ESCAPE escape]`."""

    operand: Expression
    pattern: Expression
    escape: str | None


@dataclass(frozen=True, slots=True)
class Call(Node):
    """A function or aggregate; `name` is in upper case."""

    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Subquery(Node):
    """A query used as a value: its first row, whether it has rows, or all its rows."""

    kind: Literal["scalar", "exists", "array"]
    query: Query


@dataclass(frozen=True, slots=True)
class ArrayOf(Node):
    """`[a, b]`."""

    items: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class ObjectOf(Node):
    """`{"key": value}`."""

    members: tuple[tuple[str, Expression], ...]


Expression: TypeAlias = (
    Constant
    | Parameter
    | Name
    | Path
    | Unary
    | Chain
    | Comparison
    | And
    | Or
    | Not
    | Coalesce
    | Conditional
    | In
    | Between
    | Like
    | Call
    | Subquery
    | ArrayOf
    | ObjectOf
)


@dataclass(frozen=True, slots=True)
class Source(Node):
    """One input of FROM: a path or a subquery, bound to `alias`; `each` binds every element (`alias IN …`).

    `container` is the name that a path starts with.
    """

    origin: Expression | Query
    container: str | None
    alias: str | None
    each: bool


@dataclass(frozen=True, slots=True)
class Item(Node):
    """One member of the select list under its output name."""

    name: str
    expression: Expression


@dataclass(frozen=True, slots=True)
class Order(Node):
    """One key of ORDER BY."""

    expression: Expression
    descending: bool


@dataclass(frozen=True, slots=True)
class Query(Node):
    """A whole query. `select` is None for `*`, an expression for VALUE, else the list of items."""

    select: Expression | tuple[Item, ...] | None
    select_span: Span = field(compare=False)
    distinct: bool = False
    top: Constant | Parameter | None = None
    sources: tuple[Source, ...] = ()
    where: Expression | None = None
    group_by: tuple[Expression, ...] = ()
    order_by: tuple[Order, ...] = ()
    order_span: Span = field(default=(0, 0), compare=False)
    offset: Constant | Parameter | None = None
    limit: Constant | Parameter | None = None


def walk(root: Expression) -> Iterator[Expression]:
    """`root` and every expression in it, without entering subqueries."""
    pending: list[Any] = [root]
    while pending:
        entry = pending.pop()
        if isinstance(entry, tuple):
            pending.extend(entry)
        elif isinstance(entry, Node) and not isinstance(entry, Query):
            yield entry  # type: ignore[misc]  # every node that an expression holds, but for queries, is one itself
            pending.extend(getattr(entry, part.name) for part in fields(entry) if part.compare)
