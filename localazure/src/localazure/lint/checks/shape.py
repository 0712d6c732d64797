"""The shape of an orchestrator: a plain generator that lets itself be closed."""

from __future__ import annotations

import ast

from localazure.lint.bindings import own_nodes
from localazure.lint.frames import Frame
from localazure.lint.report import Report

_AWAITING = (ast.Await, ast.AsyncFor, ast.AsyncWith)


def check_shape(frame: Frame, report: Report) -> None:
    """Report `async`, `await`, and handlers that swallow everything around a yield."""
    function = frame.function
    if function is None:
        return
    if function.is_async:
        report(function.node, "async", f"`async def {function.name}`")
    for node in function.nodes:
        if isinstance(node, _AWAITING) and not function.is_async:
            report(node, "async", f"`{type(node).__name__.lower()}`")
        elif isinstance(node, ast.Try | ast.TryStar) and _yields(node.body):
            for handler in node.handlers:
                if _catches_all(frame, handler) and not _raises(handler):
                    report(handler, "bare-except", f"`{_head(handler)}` around a yield")


def _yields(body: list[ast.stmt]) -> bool:
    return any(isinstance(node, ast.Yield | ast.YieldFrom) for part in body for node in (part, *own_nodes(part)))


def _catches_all(frame: Frame, handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(frame.meaning(each) in {"builtins.BaseException", "builtins.GeneratorExit"} for each in types)


def _raises(handler: ast.ExceptHandler) -> bool:
    return any(isinstance(node, ast.Raise | ast.Return) for node in own_nodes(handler))


def _head(handler: ast.ExceptHandler) -> str:
    return f"except {ast.unparse(handler.type)}" if handler.type else "except"
