"""Iteration over sets: the order of texts in a set differs from process to process."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from localazure.lint.frames import Frame
from localazure.lint.meanings import SET
from localazure.lint.report import Report

_IN_ORDER = {"list", "tuple", "iter", "enumerate", "map", "filter", "zip", "reversed", "next"}
_WITHOUT_ORDER = {"sorted", "set", "frozenset", "sum", "min", "max", "any", "all", "len"}


def check_sets(frame: Frame, report: Report) -> None:
    """Report every place where the order of a set decides something."""
    if frame.function is None:
        return
    for node in frame.function.nodes:
        for iterated in _iterated(frame, node):
            if frame.meaning(iterated) == SET:
                report(iterated, "set-order", f"`{ast.unparse(iterated)}` is a set and its items are taken one by one")


def _iterated(frame: Frame, node: ast.AST) -> Iterator[ast.expr]:
    """The expressions whose items a node takes one after the other, where that can be seen in the result."""
    match node:
        case ast.For(iter=source) | ast.AsyncFor(iter=source) | ast.YieldFrom(value=source):
            yield source
        case ast.ListComp(generators=generators) | ast.GeneratorExp(generators=generators):
            if not _loses_order(frame, node):
                yield from (generator.iter for generator in generators)
        case ast.Starred(value=source, ctx=ast.Load()):
            if not isinstance(frame.module.parents[node], ast.Set) and not _loses_order(frame, node):
                yield source
        case ast.Assign(targets=[ast.Tuple() | ast.List()], value=source):
            yield source
        case ast.Call(func=ast.Attribute(value=source, attr="pop"), args=[]):
            yield source
        case ast.Call(func=ast.Attribute(attr="join" | "fromkeys" | "extend"), args=[source, *_]):
            yield source
        case ast.Call(args=arguments):
            name = frame.meaning(node.func).removeprefix("builtins.")
            if name in _IN_ORDER and not _loses_order(frame, node):
                yield from (a for a in arguments if not isinstance(a, ast.Starred))


def _loses_order(frame: Frame, node: ast.AST) -> bool:
    """Whether what is made in order is at once put in another: `sorted(x for x in items)`."""
    parent = frame.module.parents[node]
    if not (isinstance(parent, ast.Call) and node in parent.args):
        return False
    name = frame.meaning(parent.func).removeprefix("builtins.")
    return name in _WITHOUT_ORDER or (name in _IN_ORDER and _loses_order(frame, parent))
