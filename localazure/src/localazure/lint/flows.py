"""Where a value goes within one function: through variables and lists to what uses it, or nowhere.

Which of two branches runs is not followed: a value that is used on any way through the function counts as used.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from localazure.lint.frames import Frame
from localazure.lint.names import is_log_call

_PUTS = {"append", "appendleft", "add", "extend", "insert", "setdefault", "put"}
_LOOKS = _PUTS | {"cancel", "clear", "count", "discard", "id", "index", "is_canceled", "is_cancelled", "is_completed"}
_LOOKS |= {"is_faulted", "remove", "result", "reverse", "sort", "state"}
_RESUMES = {"send", "throw", "__next__"}
_PASSES_ON = {"dict", "enumerate", "filter", "iter", "list", "map", "next", "reversed", "sorted", "tuple", "zip"}
_ONLY_LOOK = {"bool", "id", "isinstance", "len", "print", "repr", "str", "type"}
_WRAPS = (
    ast.List,
    ast.Tuple,
    ast.Set,
    ast.Dict,
    ast.Starred,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
)
_CHOICES = (ast.BoolOp, ast.BinOp, ast.IfExp)
_TESTS = (ast.Compare, ast.UnaryOp, ast.If, ast.While, ast.Assert, ast.Expr, ast.FormattedValue, ast.Delete, ast.slice)


@dataclass
class Journey:
    """`uses` are the nodes that take the value over; `attributes` those that are asked of it on the way."""

    uses: list[ast.AST] = field(default_factory=list)
    attributes: set[str] = field(default_factory=set)
    variables: set[tuple[str, bool]] = field(default_factory=set)


class Flows:
    """The ways of values through the function of a frame."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame
        self._parents = frame.module.parents
        self._loads: dict[str, list[ast.Name]] = {}
        nodes = frame.function.nodes if frame.function else []
        for node in nodes:
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                self._loads.setdefault(node.id, []).append(node)
        self._shared = {name for node in nodes for name in _names_within_definition(node)}

    def follow(self, node: ast.expr) -> Journey:
        """Where the value of an expression goes."""
        journey = Journey()
        self._climb(node, journey, wrapped=False)
        return journey

    def _climb(self, node: ast.AST, journey: Journey, *, wrapped: bool) -> None:
        """Go on to what surrounds a node. `wrapped`: what is looked for is in its value, not the value itself."""
        parent = self._parents[node]
        match parent:
            case ast.Assign(targets=targets):
                self._into(targets, parent, journey, wrapped=wrapped)
            case ast.AnnAssign(target=target) | ast.AugAssign(target=target):
                self._into([target], parent, journey, wrapped=wrapped)
            case ast.NamedExpr(target=target):
                self._into([target], parent, journey, wrapped=wrapped)
                self._climb(parent, journey, wrapped=wrapped)
            case ast.For(iter=iterated, target=target) | ast.comprehension(iter=iterated, target=target):
                if iterated is node:
                    self._into([target], parent, journey, wrapped=True)
            case ast.keyword():
                self._climb_call(self._parents[parent], node, journey, wrapped=wrapped)
            case ast.Call():
                self._climb_call(parent, node, journey, wrapped=wrapped)
            case _:
                self._climb_expression(node, parent, journey, wrapped=wrapped)

    def _climb_expression(self, node: ast.AST, parent: ast.AST, journey: Journey, *, wrapped: bool) -> None:
        if isinstance(parent, ast.Attribute):
            self._climb_attribute(parent, journey, wrapped=wrapped)
        elif isinstance(parent, ast.Subscript):
            if wrapped and parent.value is node:  # a task itself has no items
                self._climb(parent, journey, wrapped=True)
        elif isinstance(parent, _WRAPS):
            self._climb(parent, journey, wrapped=True)
        elif isinstance(parent, _CHOICES):
            if node is not getattr(parent, "test", None):
                self._climb(parent, journey, wrapped=wrapped)
        elif not isinstance(parent, _TESTS):
            journey.uses.append(parent)

    def _climb_attribute(self, attribute: ast.Attribute, journey: Journey, *, wrapped: bool) -> None:
        journey.attributes.add(attribute.attr)
        if attribute.attr in _RESUMES:
            journey.uses.append(attribute)
        elif wrapped and attribute.attr not in _LOOKS:
            self._climb(attribute, journey, wrapped=True)

    def _climb_call(self, call: ast.AST, argument: ast.AST, journey: Journey, *, wrapped: bool) -> None:
        if not isinstance(call, ast.Call):
            journey.uses.append(call)
            return
        name = self._frame.meaning(call.func)
        if call.func is argument or name.removeprefix("builtins.") in _PASSES_ON:
            self._climb(call, journey, wrapped=wrapped)
        elif isinstance(call.func, ast.Attribute) and call.func.attr in _PUTS:
            self._into([call.func.value], call, journey, wrapped=True)
        elif not is_log_call(name) and name.removeprefix("builtins.") not in _ONLY_LOOK:
            journey.uses.append(call)

    def _into(self, targets: list[ast.expr], place: ast.AST, journey: Journey, *, wrapped: bool) -> None:
        for target in targets:
            if isinstance(target, ast.Tuple | ast.List):
                self._into(target.elts, place, journey, wrapped=wrapped)
            elif isinstance(target, ast.Starred | ast.Subscript):
                self._into([target.value], place, journey, wrapped=True)
            elif isinstance(target, ast.Name):
                self._through(target.id, place, journey, wrapped=wrapped)
            else:
                journey.uses.append(place)  # an attribute: others may take it from there

    def _through(self, name: str, place: ast.AST, journey: Journey, *, wrapped: bool) -> None:
        if (name, wrapped) in journey.variables:
            return
        journey.variables.add((name, wrapped))
        if name in self._shared or not self._frame.is_local(name):
            journey.uses.append(place)
        for load in self._loads.get(name, []):
            self._climb(load, journey, wrapped=wrapped)


def _names_within_definition(node: ast.AST) -> Iterator[str]:
    """The names that an inner function, which may run at any time, mentions."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
        yield from (inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name))
