"""State that outlives one run of the orchestrator: variables of modules and of classes."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from localazure.lint.frames import Frame
from localazure.lint.report import Report

_CHANGES = frozenset(
    {
        "add",
        "append",
        "appendleft",
        "clear",
        "discard",
        "extend",
        "insert",
        "pop",
        "popitem",
        "popleft",
        "put",
        "remove",
    }
    | {"reverse", "setdefault", "sort", "update", "difference_update", "intersection_update"}
)
"""Methods that change a list, dict, set or queue."""


def check_state(frame: Frame, report: Report) -> None:
    """Report `global`, and every change to what a variable of a module or a class holds."""
    if frame.function is None:
        return
    for node in frame.function.nodes:
        if isinstance(node, ast.Global):
            report(node, "global-state", f"`global {', '.join(node.names)}`")
        for changed in _changed(node):
            if _is_shared(frame, changed):
                report(changed, "global-state", f"`{ast.unparse(changed)}` is changed")


def _changed(node: ast.AST) -> Iterator[ast.expr]:
    """What a statement or a call changes in place."""
    match node:
        case ast.Assign(targets=targets) | ast.Delete(targets=targets):
            yield from (target.value for target in targets if isinstance(target, ast.Attribute | ast.Subscript))
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target, value=ast.expr()):
            if isinstance(target, ast.Attribute | ast.Subscript):
                yield target.value
        case ast.Call(func=ast.Attribute(value=value, attr=name)) if name in _CHANGES:
            yield value


def _is_shared(frame: Frame, node: ast.expr) -> bool:
    """Whether an expression begins with a variable of one of the app's modules, or with one of its classes."""
    root = node
    while isinstance(root, ast.Attribute | ast.Subscript):
        root = root.value
    if not isinstance(root, ast.Name) or frame.is_local(root.id) or _in_closure(frame, root.id):
        return False
    path = frame.project.origin(f"{frame.module.name}:{root.id}")
    project = frame.project
    return bool(project.variable(path) or project.class_(path) or project.is_module(path))


def _in_closure(frame: Frame, name: str) -> bool:
    closure = frame.function.closure if frame.function else None
    return closure is not None and (closure.is_local(name) or _in_closure(closure, name))
