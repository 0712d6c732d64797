"""Log lines that every replay would write again."""

from __future__ import annotations

import ast

from localazure.lint.frames import Frame
from localazure.lint.guards import is_guarded
from localazure.lint.names import is_log_call
from localazure.lint.report import Report


def check_logs(frame: Frame, report: Report) -> None:
    """Report log calls that do not stand under `if not context.is_replaying`."""
    if frame.function is None:
        return
    for node in frame.function.nodes:
        if isinstance(node, ast.Call) and is_log_call(frame.meaning(node.func)) and not is_guarded(frame, node):
            report(node, "logging", f"`{ast.unparse(node.func)}`")
