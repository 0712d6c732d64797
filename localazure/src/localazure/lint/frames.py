"""One call of one function: what its names stand for, given what it was called with."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Mapping
from typing import Any

from localazure.lint import meanings
from localazure.lint.bindings import Bound, parameters
from localazure.lint.project import Function, Module, Project

CONTEXT = "azure.durable_functions.DurableOrchestrationContext()"
"""What the orchestration context stands for."""


class Frame:
    """`given` are the meanings of arguments, by parameter. Without a function: the module's own level."""

    def __init__(
        self,
        project: Project,
        module: Module,
        function: Function | None = None,
        given: Mapping[str, str] | None = None,
        *,
        is_guarded: bool = False,
        is_orchestrator: bool = False,
    ) -> None:
        self.project = project
        self.module = module
        self.function = function
        self.is_orchestrator = is_orchestrator
        self.is_guarded = is_guarded  # whether it is called only when not replaying
        self._names = function.names if function else module.names
        self._parameters = self._meanings_of_parameters(given or {})
        self._known: dict[ast.AST, str] = {}
        self._pending: set[ast.AST] = set()

    def _meanings_of_parameters(self, given: Mapping[str, str]) -> dict[str, str]:
        if self.function is None:
            return {}
        at_module = self.at_module(self.module)
        return {
            argument.arg: given.get(argument.arg) or meanings.annotated(at_module, argument.annotation)
            for argument in parameters(self.function.node.args)
        }

    @property
    def key(self) -> tuple[Any, ...]:
        """The same for calls that mean the same."""
        path = self.function.path if self.function else self.module.name
        return path, self.is_guarded, tuple(sorted(self._parameters.items()))

    def call(self, function: Function, given: Mapping[str, str], *, is_guarded: bool = False) -> Frame:
        """The frame of a function that this one calls."""
        return Frame(self.project, function.module, function, given, is_guarded=is_guarded or self.is_guarded)

    def at_module(self, module: Module) -> Frame:
        """The frame of a module's own level."""
        return module_frame(self.project, module)

    def is_local(self, name: str) -> bool:
        """Whether the function itself binds the name, as a parameter or a variable."""
        return self.function is not None and (name in self._parameters or name in self._names)

    def meaning(self, node: ast.expr | None) -> str:
        """What an expression stands for, as a dotted text; empty when that cannot be told."""
        if node is None:
            return ""
        if node not in self._known:
            if node in self._pending:
                return ""  # such as `x = x.next`
            self._pending.add(node)
            self._known[node] = meanings.meaning(self, node)
            self._pending.discard(node)
        return self._known[node]

    def name(self, name: str, at: tuple[int, int]) -> str:
        """What a name stands for where it is read."""
        if self.function is None:
            return self._module_name(name)
        bounds = self._names.get(name, [])
        earlier = [bound for bound in bounds if bound.at < at]
        if earlier:
            return self._bound(earlier[-1], name)
        if name in self._parameters:
            return self._parameters[name]
        if bounds:
            return self._bound(bounds[-1], name)  # a loop may come back to it
        if self.function.closure is not None:
            return self.function.closure.name(name, at)
        return self.at_module(self.module).name(name, at)

    def _module_name(self, name: str) -> str:
        if self.project.bound(self.module, name):
            return self.value_of(self.project.origin(f"{self.module.name}:{name}"))
        return f"builtins.{name}" if hasattr(builtins, name) else ""

    def value_of(self, path: str) -> str:
        """What a path stands for: a variable of a module stands for its value."""
        variable = self.project.variable(path)
        if variable is None:
            return path
        module, value = variable
        return self.at_module(module).meaning(value)

    def _bound(self, bound: Bound, name: str) -> str:
        if bound.path:
            return self.value_of(self.project.origin(bound.path))
        if isinstance(bound.definition, ast.ClassDef):
            return ""
        if bound.definition is not None and self.function is not None:
            path = f"{self.function.path}.<locals>.{name}"
            return self.project.add(Function(path, bound.definition, self.module, closure=self)).path
        declared = meanings.annotated(self, bound.annotation)
        return declared if declared == meanings.SET else self.meaning(bound.value) or declared

    def callee(self, call: ast.Call) -> tuple[Function, dict[str, str]] | None:
        """The app's function that a call runs, and what it is given; a class runs its `__init__`."""
        path = self.meaning(call.func)
        function = self.project.function(path) if path else None
        if function is not None:
            owner = path.removesuffix(f".{function.name}")
            return function, self._arguments(function, call, owner if owner.endswith("()") else "")
        class_ = self.project.class_(path) if path else None
        made = self.project.method(path, "__init__") if class_ else None
        return (made, self._arguments(made, call, f"{path}()")) if made is not None else None

    def _arguments(self, function: Function, call: ast.Call, owner: str) -> dict[str, str]:
        arguments = function.node.args
        positional = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
        has_self = function.owner and not function.is_decorated("staticmethod")
        given = {}
        if has_self and (owner or function.is_decorated("classmethod")):
            given[positional.pop(0)] = owner or function.owner
        for name, value in zip(positional, call.args, strict=False):
            if isinstance(value, ast.Starred):
                break
            given[name] = self.meaning(value)
        given |= {keyword.arg: self.meaning(keyword.value) for keyword in call.keywords if keyword.arg}
        return {name: meant for name, meant in given.items() if meant}

    def note_attributes(self) -> None:
        """Remember what this call keeps on `self`."""
        if self.function is None or not self.function.owner:
            return
        for node in self.function.nodes:
            if isinstance(node, ast.Assign | ast.AnnAssign):
                for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    self._note_attribute(target, node.value)

    def _note_attribute(self, target: ast.expr, value: ast.expr | None) -> None:
        if isinstance(target, ast.Attribute) and (kept := self.meaning(value)):
            instance = self.meaning(target.value)
            class_ = self.project.class_(instance[:-2]) if instance.endswith("()") else None
            if class_ is not None:
                class_.attributes[target.attr] = kept


def module_frame(project: Project, module: Module) -> Frame:
    """The one frame of a module's own level."""
    if module not in project.module_frames:
        project.module_frames[module] = Frame(project, module)
    return project.module_frames[module]
