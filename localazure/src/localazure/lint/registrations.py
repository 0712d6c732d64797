"""Finds the orchestrators of an app in its source.

`@app.orchestration_trigger(...)` above a function; the same called with a function, also in a loop over a list of
functions; a decorator of the app's own that does so; and `Orchestrator.create(function)`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

from localazure.lint.bindings import FunctionNode, parameters
from localazure.lint.findings import RULES, Finding
from localazure.lint.frames import Frame, module_frame
from localazure.lint.project import Function, Module, Project

_TRIGGER = "orchestration_trigger"
_CREATE = "azure.durable_functions.Orchestrator.create"


class Registrations:
    """`orchestrators` are by path; `unresolved` are registrations of what the source does not tell."""

    def __init__(self, project: Project, modules: list[Module]) -> None:
        self._project = project
        self._frames: dict[ast.AST, Frame] = {}
        self._registrars: set[str] = set()  # the app's own functions that register what they are given,
        self._factories: set[str] = set()  # and those that make such functions
        self.orchestrators: dict[str, Function] = {}
        self.unresolved: list[Finding] = []
        for module in modules:
            self._read(module)
        if self._registrars or self._factories:
            for module in modules:
                self._read(module)

    def _read(self, module: Module) -> None:
        for node in ast.walk(module.tree):
            if isinstance(node, FunctionNode) and node.decorator_list:
                frame = self._frame_of(module, node)
                if any(self._registers(frame, decorator) for decorator in node.decorator_list):
                    self._add(self._function(frame, node))
            elif isinstance(node, ast.Call) and len(node.args) == 1:
                frame = self._frame_of(module, node)
                if self._registers(frame, node.func):
                    self._register(frame, node.args[0])

    def _registers(self, frame: Frame, decorator: ast.expr) -> bool:
        """Whether calling what an expression stands for registers an orchestrator."""
        if isinstance(decorator, ast.Name) and (variable := self._variable(frame, decorator)):
            return self._registers(*variable)
        if isinstance(decorator, ast.Call):
            made_by = decorator.func
            is_trigger = isinstance(made_by, ast.Attribute) and made_by.attr == _TRIGGER
            return is_trigger or frame.meaning(made_by) in self._factories
        meaning = frame.meaning(decorator)
        return meaning == _CREATE or meaning in self._registrars

    def _register(self, frame: Frame, registered: ast.expr) -> None:
        """Take what a call registers: a function, the items of a list in a loop, or a registrar's parameter."""
        function = frame.function
        if function and isinstance(registered, ast.Name) and registered.id in _parameter_names(function):
            self._registrars.add(function.path)
            if function.closure and function.closure.function:
                self._factories.add(function.closure.function.path)
            return
        found = list(self._functions(frame, registered))
        for each in found:
            self._add(each)
        if not found:
            self.unresolved.append(_unresolved(frame, registered))

    def _functions(self, frame: Frame, node: ast.expr) -> Iterator[Function]:
        function = self._project.function(frame.meaning(node))
        if function is not None:
            yield function
        elif isinstance(node, ast.Name):
            for items in _looped_over(frame.module, node):
                for item_frame, item in self._items(frame, items):
                    yield from self._functions(item_frame, item)

    def _items(self, frame: Frame, node: ast.expr) -> list[tuple[Frame, ast.expr]]:
        """The items of a list, tuple or dict that is written out, here or where its name comes from."""
        match node:
            case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items) | ast.Dict(values=items):
                return [(frame, item) for item in items]
            case ast.Call(func=ast.Attribute(value=inner, attr="values"), args=[]):
                return self._items(frame, inner)
            case ast.Name() | ast.Attribute():
                variable = self._variable(frame, node)
                return self._items(*variable) if variable else []
        return []

    def _variable(self, frame: Frame, node: ast.Name | ast.Attribute) -> tuple[Frame, ast.expr] | None:
        """The value of a module's variable, with the frame in which it was evaluated."""
        if isinstance(node, ast.Name):
            path = f"{frame.module.name}:{node.id}"
        else:
            path = f"{frame.meaning(node.value)}.{node.attr}"
        found = self._project.variable(self._project.origin(path))
        return (frame.at_module(found[0]), found[1]) if found else None

    def _add(self, function: Function) -> None:
        self.orchestrators.setdefault(function.path, function)

    def _frame_of(self, module: Module, node: ast.AST) -> Frame:
        """The frame in which a node is evaluated: that of the function around it, or the module's."""
        around = module.parents.get(node)
        while around is not None and not isinstance(around, FunctionNode):
            around = module.parents.get(around)
        if around is None:
            return module_frame(self._project, module)
        if around not in self._frames:
            function = self._function(self._frame_of(module, around), around)
            self._frames[around] = Frame(self._project, module, function)
        return self._frames[around]

    def _function(self, frame: Frame, node: FunctionNode) -> Function:
        if frame.function is None:
            return self._project.add(Function(f"{frame.module.name}:{node.name}", node, frame.module))
        path = f"{frame.function.path}.<locals>.{node.name}"
        return self._project.add(Function(path, node, frame.module, closure=frame))


def _parameter_names(function: Function) -> set[str]:
    return {argument.arg for argument in parameters(function.node.args)}


def _looped_over(module: Module, name: ast.Name) -> Iterator[ast.expr]:
    """What the loops around a node take the name's values from."""
    node: ast.AST | None = name
    while node is not None:
        if isinstance(node, ast.For) and isinstance(node.target, ast.Name) and node.target.id == name.id:
            yield node.iter
        node = module.parents.get(node)


def _unresolved(frame: Frame, registered: ast.expr) -> Finding:
    rule = RULES["unresolved"]
    file = frame.module.path.relative_to(frame.project.root).as_posix()
    text = f"it cannot be told which orchestrator `{ast.unparse(registered)}` is: {rule.reason}"
    return Finding(
        file, registered.lineno, registered.col_offset + 1, rule.id, text, rule.instead, (), registered.lineno
    )
