"""Expressions to closures.

Every node becomes a function from a frame to a value, once per query text; running the query then needs no look at the
tree. `select` adds the compilation of subqueries to the table kept here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias, TypeVar

from localazure.cosmos.query import nodes
from localazure.cosmos.query.aggregates import AGGREGATES
from localazure.cosmos.query.errors import ARGUMENT_COUNT, UNKNOWN_FUNCTION, QueryError, undeclared_parameter
from localazure.cosmos.query.functions import FUNCTIONS, Function
from localazure.cosmos.query.functions.registry import ANY
from localazure.cosmos.query.like import like
from localazure.cosmos.query.operators import CHAINED, COMPARISONS, UNARY, between, negate
from localazure.cosmos.query.scope import Evaluator, Frame, Scope
from localazure.cosmos.query.values import UNDEFINED, canonical, is_string, same

_N = TypeVar("_N", bound=nodes.Node)
_Compiler: TypeAlias = Callable[[Any, Scope], Evaluator]
_COMPILERS: Final[dict[type[nodes.Node], _Compiler]] = {}


def compiles(kind: type[_N]) -> Callable[[Callable[[_N, Scope], Evaluator]], Callable[[_N, Scope], Evaluator]]:
    """Make the decorated function the compiler of one kind of node."""

    def register(compiler: Callable[[_N, Scope], Evaluator]) -> Callable[[_N, Scope], Evaluator]:
        _COMPILERS[kind] = compiler
        return compiler

    return register


def compile_expression(node: nodes.Expression, scope: Scope) -> Evaluator:
    """The function that computes `node`. Raises QueryError for names and calls that mean nothing in `scope`."""
    if scope.keys and not isinstance(node, nodes.Constant) and node in scope.keys:
        return scope.keys[node]
    return _COMPILERS[type(node)](node, scope)


def compile_all(expressions: tuple[nodes.Expression, ...], scope: Scope) -> list[Evaluator]:
    """`compile_expression` for several."""
    return [compile_expression(expression, scope) for expression in expressions]


@compiles(nodes.Constant)
def _constant(node: nodes.Constant, scope: Scope) -> Evaluator:  # noqa: ARG001  # a constant needs no scope
    value = node.value
    return lambda _: value


@compiles(nodes.Parameter)
def _parameter(node: nodes.Parameter, scope: Scope) -> Evaluator:  # noqa: ARG001  # parameters are the same everywhere
    name, span = node.name, node.span

    def read(frame: Frame) -> Any:
        try:
            return frame.context.parameters[name]
        except KeyError:
            raise undeclared_parameter(name, span) from None

    return read


@compiles(nodes.Name)
def _name(node: nodes.Name, scope: Scope) -> Evaluator:
    slot = scope.slot(node)
    return lambda frame: frame.values[slot]


@compiles(nodes.Path)
def _path(node: nodes.Path, scope: Scope) -> Evaluator:
    base = compile_expression(node.base, scope)
    names = [key.value for key in node.keys if isinstance(key, nodes.Constant) and is_string(key.value)]
    if len(names) == len(node.keys):
        return _property(base, names)
    keys = compile_all(node.keys, scope)

    def follow(frame: Frame) -> Any:
        value = base(frame)
        for key in keys:
            value = _member(value, key(frame))
        return value

    return follow


def _property(base: Evaluator, names: list[str]) -> Evaluator:
    def follow(frame: Frame) -> Any:
        value = base(frame)
        for name in names:
            if type(value) is not dict:
                return UNDEFINED
            value = value.get(name, UNDEFINED)
        return value

    return follow


def _member(value: Any, key: Any) -> Any:
    if type(value) is dict and type(key) is str:
        return value.get(key, UNDEFINED)
    if type(value) is list and type(key) is int and 0 <= key < len(value):
        return value[key]
    return UNDEFINED


@compiles(nodes.Unary)
def _unary(node: nodes.Unary, scope: Scope) -> Evaluator:
    apply = UNARY[node.operator]
    operand = compile_expression(node.operand, scope)
    return lambda frame: apply(operand(frame))


@compiles(nodes.Chain)
def _chain(node: nodes.Chain, scope: Scope) -> Evaluator:
    first = compile_expression(node.first, scope)
    rest = [(CHAINED[symbol], compile_expression(operand, scope)) for symbol, operand in node.rest]

    def fold(frame: Frame) -> Any:
        value = first(frame)
        for apply, operand in rest:
            value = apply(value, operand(frame))
        return value

    return fold


@compiles(nodes.Comparison)
def _comparison(node: nodes.Comparison, scope: Scope) -> Evaluator:
    apply = COMPARISONS[node.operator]
    left, right = compile_expression(node.left, scope), compile_expression(node.right, scope)
    return lambda frame: apply(left(frame), right(frame))


def _junction(operands: list[Evaluator], decisive: bool) -> Evaluator:
    """AND (`decisive` False) or OR (True): the first decisive operand ends it, anything not boolean is undefined."""

    def decide(frame: Frame) -> Any:
        result: Any = not decisive
        for operand in operands:
            value = operand(frame)
            if value is decisive:
                return decisive
            if value is not (not decisive):
                result = UNDEFINED
        return result

    return decide


@compiles(nodes.And)
def _and(node: nodes.And, scope: Scope) -> Evaluator:
    return _junction(compile_all(node.operands, scope), decisive=False)


@compiles(nodes.Or)
def _or(node: nodes.Or, scope: Scope) -> Evaluator:
    return _junction(compile_all(node.operands, scope), decisive=True)


@compiles(nodes.Not)
def _not(node: nodes.Not, scope: Scope) -> Evaluator:
    operand = compile_expression(node.operand, scope)
    return lambda frame: negate(operand(frame))


@compiles(nodes.Coalesce)
def _coalesce(node: nodes.Coalesce, scope: Scope) -> Evaluator:
    *operands, last = compile_all(node.operands, scope)

    def first_present(frame: Frame) -> Any:
        for operand in operands:
            value = operand(frame)
            if value is not UNDEFINED and value is not None:
                return value
        return last(frame)

    return first_present


@compiles(nodes.Conditional)
def _conditional(node: nodes.Conditional, scope: Scope) -> Evaluator:
    condition, yes, no = compile_all((node.condition, node.yes, node.no), scope)
    return lambda frame: yes(frame) if condition(frame) is True else no(frame)


@compiles(nodes.In)
def _in(node: nodes.In, scope: Scope) -> Evaluator:
    operand = compile_expression(node.operand, scope)
    if all(isinstance(item, nodes.Constant) for item in node.items):
        return _in_constants(operand, frozenset(canonical(item.value) for item in node.items))  # type: ignore[union-attr]  # just tested
    items = compile_all(node.items, scope)

    def contains(frame: Frame) -> Any:
        value = operand(frame)
        return UNDEFINED if value is UNDEFINED else any(same(value, item(frame)) for item in items)

    return contains


def _in_constants(operand: Evaluator, members: frozenset[Any]) -> Evaluator:
    def contains(frame: Frame) -> Any:
        value = operand(frame)
        return UNDEFINED if value is UNDEFINED else canonical(value) in members

    return contains


@compiles(nodes.Between)
def _between(node: nodes.Between, scope: Scope) -> Evaluator:
    operand, low, high = compile_all((node.operand, node.low, node.high), scope)
    return lambda frame: between(operand(frame), low(frame), high(frame))


@compiles(nodes.Like)
def _like(node: nodes.Like, scope: Scope) -> Evaluator:
    operand, pattern = compile_all((node.operand, node.pattern), scope)
    escape = node.escape

    def matches(frame: Frame) -> Any:
        text, wanted = operand(frame), pattern(frame)
        return like(wanted, escape)(text) if is_string(text) and is_string(wanted) else UNDEFINED

    return matches


@compiles(nodes.ArrayOf)
def _array(node: nodes.ArrayOf, scope: Scope) -> Evaluator:
    items = compile_all(node.items, scope)
    return lambda frame: [value for item in items if (value := item(frame)) is not UNDEFINED]


@compiles(nodes.ObjectOf)
def _object(node: nodes.ObjectOf, scope: Scope) -> Evaluator:
    return compile_members(node.members, scope)


def compile_members(members: tuple[tuple[str, nodes.Expression], ...], scope: Scope) -> Evaluator:
    """The function that builds an object; undefined members are left out."""
    compiled = [(name, compile_expression(expression, scope)) for name, expression in members]
    return lambda frame: {name: value for name, member in compiled if (value := member(frame)) is not UNDEFINED}


@compiles(nodes.Call)
def _call(node: nodes.Call, scope: Scope) -> Evaluator:
    if node.name in AGGREGATES:
        _check_count(node, 1, 1)
        aggregation, rows = scope.aggregate(node)
        return aggregation.add(AGGREGATES[node.name], compile_expression(node.arguments[0], rows))
    function = FUNCTIONS.get(node.name)
    if function is None:
        raise QueryError(UNKNOWN_FUNCTION, f"'{node.name}' is not a recognized built-in function name.", *node.span)
    _check_count(node, function.least, function.most)
    return _apply(function, compile_all(node.arguments, scope))


def _check_count(node: nodes.Call, least: int, most: int | None) -> None:
    count = len(node.arguments)
    if count < least or (most is not None and count > most):
        message = f"The {node.name} function does not take {count} argument(s)."
        raise QueryError(ARGUMENT_COUNT, message, *node.span)


def _apply(function: Function, arguments: list[Evaluator]) -> Evaluator:
    body = function.body
    kinds = function.kinds_of(len(arguments))
    if function.needs_now:
        return lambda frame: body(frame.context.now)
    if all(kind is ANY for kind in kinds):
        return lambda frame: body(*[argument(frame) for argument in arguments])
    typed = list(zip(kinds, arguments, strict=True))

    def call(frame: Frame) -> Any:
        values = []
        for accepts, argument in typed:
            value = argument(frame)
            if not accepts(value):
                return UNDEFINED
            values.append(value)
        return body(*values)

    return call
