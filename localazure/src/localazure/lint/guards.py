"""Whether a line runs only when the orchestrator is not replaying."""

from __future__ import annotations

import ast

from localazure.lint.frames import CONTEXT, Frame

IS_REPLAYING = f"{CONTEXT}.is_replaying"
_LEAVES = (ast.Return, ast.Continue, ast.Break, ast.Raise)


def is_guarded(frame: Frame, node: ast.AST) -> bool:
    """Whether `node` stands under `if not context.is_replaying`, or the function is only called there."""
    if frame.is_guarded:
        return True
    parents = frame.module.parents
    while frame.function is not None and node is not frame.function.node:
        parent = parents[node]
        if _guards(frame, parent, node) or _is_left_before(frame, parent, node):
            return True
        node = parent
    return False


def _guards(frame: Frame, parent: ast.AST, child: ast.AST) -> bool:
    match parent:
        case ast.If(test=test, body=body, orelse=orelse):
            return (child in body and _is_live(frame, test)) or (child in orelse and _is_replay(frame, test))
        case ast.IfExp(test=test, body=body, orelse=orelse):
            return (child is body and _is_live(frame, test)) or (child is orelse and _is_replay(frame, test))
        case ast.BoolOp(op=op, values=values):
            before = values[: values.index(child)] if child in values else []
            wanted = _is_live if isinstance(op, ast.And) else _is_replay
            return any(wanted(frame, test) for test in before)
    return False


def _is_left_before(frame: Frame, parent: ast.AST, child: ast.AST) -> bool:
    """Whether an earlier statement of the same block leaves it in a replay."""
    body = getattr(parent, "body", None)
    if not isinstance(body, list) or child not in body:
        return False
    return any(
        isinstance(statement, ast.If) and _is_replay(frame, statement.test) and isinstance(statement.body[-1], _LEAVES)
        for statement in body[: body.index(child)]
    )


def _is_live(frame: Frame, test: ast.expr) -> bool:
    """Whether a condition that holds means that this is no replay."""
    match test:
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return _is_replay(frame, operand)
        case ast.BoolOp(op=ast.And(), values=values):
            return any(_is_live(frame, value) for value in values)
        case ast.Compare(left=left, ops=[ast.Is() | ast.Eq()], comparators=[ast.Constant(value=False)]):
            return frame.meaning(left) == IS_REPLAYING
    return False


def _is_replay(frame: Frame, test: ast.expr) -> bool:
    """Whether a condition that does not hold means that this is no replay."""
    match test:
        case ast.BoolOp(op=ast.Or(), values=values):
            return any(_is_replay(frame, value) for value in values)
    return frame.meaning(test) == IS_REPLAYING
