"""Tasks that nobody waits for, and helpers that are never run."""

from __future__ import annotations

import ast

from localazure.lint.flows import Flows
from localazure.lint.frames import CONTEXT, Frame
from localazure.lint.report import Report

_COMPOUND = ("task_all", "task_any")
_SINGLE = ("call_activity", "call_activity_with_retry", "call_sub_orchestrator", "call_sub_orchestrator_with_retry")
_OTHERS = ("call_entity", "call_http", "create_timer", "wait_for_external_event")
TASKS = frozenset(f"{CONTEXT}.{name}()" for name in (*_COMPOUND, *_SINGLE, *_OTHERS))
"""What a call stands for that makes a task."""


def check_tasks(frame: Frame, report: Report) -> None:
    """Report tasks and generator helpers that are made and not yielded; and orchestrators that cannot yield."""
    function = frame.function
    if function is None:
        return
    flows = Flows(frame)
    calls = [node for node in function.nodes if isinstance(node, ast.Call)]
    tasks = [call for call in calls if frame.meaning(call) in TASKS]
    helpers = [call for call in calls if _is_helper(frame, call)]
    if frame.is_orchestrator and tasks and not helpers and not function.is_generator and not function.is_async:
        report(function.node, "not-a-generator", f"`{function.name}` makes tasks and has no yield")
        return
    for call in tasks:
        if not flows.follow(call).uses:
            report(call, "unyielded-task", f"the task of `{ast.unparse(call.func)}` is dropped")
        elif frame.is_orchestrator and isinstance(frame.module.parents[call], ast.Return):
            report(call, "unyielded-task", f"the task of `{ast.unparse(call.func)}` is returned as it is")
    for call in helpers:
        _check_helper(frame, call, flows, report)


def _is_helper(frame: Frame, call: ast.Call) -> bool:
    """Whether a call makes one of the app's generators."""
    path = frame.meaning(call)
    function = frame.project.function(path[:-2]) if path.endswith("()") else None
    return function is not None and function.is_generator and not function.is_async


def _check_helper(frame: Frame, call: ast.Call, flows: Flows, report: Report) -> None:
    instead = f"yield from {ast.unparse(call.func)}(...)"
    name = f"`{ast.unparse(call.func)}` is a generator"
    uses = flows.follow(call).uses
    if not uses:
        report(call, "unyielded-task", f"{name} and is dropped", instead)
    elif any(isinstance(use, ast.Yield) for use in uses):
        report(call, "unyielded-task", f"{name} and is yielded like a task", instead)
    elif frame.is_orchestrator and frame.function and frame.function.is_generator and _is_returned(frame, call):
        report(call, "unyielded-task", f"{name} and is returned as it is", f"return ({instead})")


def _is_returned(frame: Frame, call: ast.Call) -> bool:
    return isinstance(frame.module.parents[call], ast.Return)
