"""Clocks, random values, the environment, I/O, threads: names that must not be used, under any alias."""

from __future__ import annotations

import ast

from localazure.lint.bindings import own_nodes
from localazure.lint.frames import Frame
from localazure.lint.names import INSTEAD, is_log_call, rule_of_call, rule_of_name
from localazure.lint.report import Report


def check_names(frame: Frame, report: Report) -> None:
    """Report every use of a forbidden name, and of a module's variable that was made with one."""
    if frame.function is None:
        return
    for node in frame.function.nodes:
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            _check_name(frame, node, report)
        elif isinstance(node, ast.Call):
            _check_call(frame, node, report)
            _check_made_fields(frame, node, report)


def _check_name(frame: Frame, node: ast.Name | ast.Attribute, report: Report) -> None:
    path = frame.meaning(node)
    if rule := rule_of_name(path):
        report(node, rule, _named(node, path), INSTEAD.get(path, ""))
    elif rule := _rule_of_variable(frame, node):
        report(node, rule, f"`{ast.unparse(node)}` got its value when its module was imported")


def _check_call(frame: Frame, call: ast.Call, report: Report) -> None:
    path = frame.meaning(call.func)
    if "()" in path and frame.is_local(_first_name(call.func)):
        return  # found where it was made
    if path and not is_log_call(path) and (rule := rule_of_call(path, call)):
        report(call, rule, _named(call.func, path.replace("()", "")), INSTEAD.get(path, ""))


def _first_name(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _named(node: ast.expr, path: str) -> str:
    """The text of the source, and what it stands for when that is not plain to see."""
    text = ast.unparse(node)
    full = path.removeprefix("builtins.")
    return f"`{text}`" if text == full else f"`{text}` ({full})"


def _rule_of_variable(frame: Frame, node: ast.Name | ast.Attribute) -> str | None:
    """The rule against what a module-level variable of the app was given at import."""
    if isinstance(node, ast.Name):
        path = "" if frame.is_local(node.id) else frame.project.origin(f"{frame.module.name}:{node.id}")
    else:
        base = frame.meaning(node.value)
        path = frame.project.origin(f"{base}.{node.attr}") if frame.project.is_module(base) else ""
    variable = frame.project.variable(path) if path else None
    if variable is None:
        return None
    module, value = variable
    return _rule_within(frame.at_module(module), value)


def _rule_within(frame: Frame, value: ast.expr) -> str | None:
    """The first rule that evaluating an expression breaks; one that is a forbidden function itself only names it."""
    called = {node.func for node in ast.walk(value) if isinstance(node, ast.Call)}
    for node in (value, *own_nodes(value)):
        if isinstance(node, ast.Name | ast.Attribute) and (node is not value or node in called):
            rule = rule_of_name(frame.meaning(node))
        elif isinstance(node, ast.Call):
            rule = rule_of_call(frame.meaning(node.func), node)
        else:
            continue
        if rule in {"clock", "random", "environment"}:
            return rule
    return None


def _check_made_fields(frame: Frame, call: ast.Call, report: Report) -> None:
    """Report fields of an app's class that make their own values: `field(default_factory=uuid4)`."""
    class_ = frame.project.class_(frame.meaning(call.func))
    if class_ is None:
        return
    at_module = frame.at_module(class_.module)
    for statement in class_.node.body:
        if not (isinstance(statement, ast.AnnAssign) and isinstance(statement.value, ast.Call)):
            continue
        for keyword in statement.value.keywords:
            if keyword.arg == "default_factory" and (rule := _rule_of_factory(at_module, keyword.value)):
                report(call, rule, f"`{class_.node.name}()` fills `{ast.unparse(statement.target)}` by itself")


def _rule_of_factory(frame: Frame, factory: ast.expr) -> str | None:
    if isinstance(factory, ast.Lambda):
        return _rule_within(frame, factory.body)
    return rule_of_name(frame.meaning(factory))
