"""From an orchestrator through all that it calls."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from localazure.lint.checks import CHECKS
from localazure.lint.frames import CONTEXT, Frame
from localazure.lint.guards import is_guarded
from localazure.lint.project import Function, Project
from localazure.lint.report import Findings, Report


class Walk:
    """Checks functions, each once for every meaning of its arguments."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._entered: set[object] = set()
        self.findings: Findings = {}
        self.functions: set[str] = set()

    def orchestrator(self, function: Function) -> None:
        """Check a function that gets the context, and everything of the app that it runs."""
        first = [argument.arg for argument in (*function.node.args.posonlyargs, *function.node.args.args)][:1]
        given = dict.fromkeys(first, CONTEXT)
        self._enter(Frame(self._project, function.module, function, given, is_orchestrator=True), (function.name,))

    def _enter(self, frame: Frame, chain: tuple[str, ...]) -> None:
        function = frame.function
        if function is None or frame.key in self._entered:
            return
        self._entered.add(frame.key)
        self.functions.add(function.path)
        frame.note_attributes()
        report = Report(frame, chain, self.findings)
        for check in CHECKS:
            check(frame, report)
        for node in function.nodes:
            for called in _called(frame, node):
                self._enter(called, (*chain, called.function.name if called.function else ""))


def _called(frame: Frame, node: ast.AST) -> Iterator[Frame]:
    """The calls of the app's functions that evaluating one node makes."""
    if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
        instance = frame.meaning(node.value)
        method = frame.project.method(instance[:-2], node.attr) if instance.endswith("()") else None
        if method is not None and method.is_decorated("property", "cached_property"):
            yield frame.call(method, {"self": instance}, is_guarded=is_guarded(frame, node))
    if not isinstance(node, ast.Call):
        return
    callee = frame.callee(node)
    if callee is not None and _runs_here(callee[0]):
        yield frame.call(*callee, is_guarded=is_guarded(frame, node))
    if not frame.meaning(node.func).startswith(CONTEXT):  # the context is given activities, which run elsewhere
        for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
            passed = _passed(frame, argument)
            if passed is not None:
                yield frame.call(passed, {}, is_guarded=is_guarded(frame, node))


def _passed(frame: Frame, argument: ast.expr) -> Function | None:
    """A function of the app that is handed to another, which will call it."""
    if not isinstance(argument, ast.Name | ast.Attribute):
        return None
    function = frame.project.function(frame.meaning(argument))
    return function if function is not None and _runs_here(function) else None


def _runs_here(function: Function) -> bool:
    """Whether calling the function runs its body; a function with a trigger is none that can be called."""
    return not function.is_decorated("activity_trigger", "entity_trigger", "orchestration_trigger", "function_name")
