"""The app's own modules, parsed on demand, and what their names stand for."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from localazure.errors import ConfigError
from localazure.lint.bindings import (
    Bindings,
    Bound,
    FunctionNode,
    bound_names,
    imported_from,
    own_nodes,
    star_imports,
)

if TYPE_CHECKING:
    from localazure.lint.frames import Frame

MAX_RE_EXPORTS = 20
_METHOD = re.compile(r"(.+)\(\)\.(\w+)")


@dataclass(eq=False)
class Module:
    """One file. `package` is where its relative imports begin."""

    name: str
    path: Path
    source: bytes
    tree: ast.Module
    package: str

    @cached_property
    def names(self) -> Bindings:
        return bound_names(self.tree, self.package)

    @cached_property
    def stars(self) -> list[str]:
        return star_imports(self.tree, self.package)

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """Every node's parent."""
        return {child: node for node in ast.walk(self.tree) for child in ast.iter_child_nodes(node)}

    def imports(self) -> Iterator[str]:
        """The full name of every module that any line of this one may import."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                source = imported_from(node, self.package)
                yield from (source, *(f"{source}.{alias.name}" for alias in node.names))


@dataclass(eq=False)
class Function:
    """A function of the app. `owner` is the path of its class; `closure` the call in which an inner one was made."""

    path: str
    node: FunctionNode
    module: Module
    owner: str = ""
    closure: Frame | None = None

    @property
    def name(self) -> str:
        return self.node.name

    @property
    def is_async(self) -> bool:
        return isinstance(self.node, ast.AsyncFunctionDef)

    @cached_property
    def names(self) -> Bindings:
        return bound_names(self.node, self.module.package)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """What runs in a call, in the order of the text."""
        return list(own_nodes(self.node))

    @cached_property
    def is_generator(self) -> bool:
        return any(isinstance(node, ast.Yield | ast.YieldFrom) for node in self.nodes)

    def is_decorated(self, *names: str) -> bool:
        """Whether one of the decorators is called so, whatever it belongs to."""
        return any(_last_name(decorator) in names for decorator in self.node.decorator_list)


@dataclass(eq=False)
class Class:
    """A class of the app. `attributes` is what instances were seen to keep, as meanings."""

    path: str
    node: ast.ClassDef
    module: Module
    attributes: dict[str, str] = field(default_factory=dict)


class Project:
    """The modules below `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._modules: dict[str, Module | None] = {}
        self._functions: dict[str, Function] = {}
        self._classes: dict[str, Class] = {}
        self.module_frames: dict[Module, Frame] = {}
        self.returns: dict[tuple[Any, ...], str] = {}  # what functions return, by the key of their call

    def module(self, name: str) -> Module | None:
        """None for a module that is not the app's. Raises ConfigError when it cannot be parsed."""
        if name not in self._modules:
            self._modules[name] = self._load(name)
        return self._modules[name]

    def _load(self, name: str) -> Module | None:
        place = self.root.joinpath(*name.split("."))
        for path, package in ((place / "__init__.py", name), (place.with_suffix(".py"), name.rpartition(".")[0])):
            if name and path.is_file():
                source = path.read_bytes()
                return Module(name, path, source, _parse(source, str(path.relative_to(self.root))), package)
        return None

    def modules_from(self, script: str) -> list[Module]:
        """The script's module and all of the app's that it imports, directly or not, in a steady order."""
        found: dict[str, Module] = {}
        waiting = [script]
        while waiting:
            name = waiting.pop(0)
            module = self.module(name)
            if module is None or name in found:
                continue
            found[name] = module
            for imported in module.imports():
                parts = imported.split(".")
                waiting += [".".join(parts[: size + 1]) for size in range(len(parts))]
        return list(found.values())

    def origin(self, path: str) -> str:
        """Where a name comes from, with the app's re-exports followed: `module:name` in the app, else dotted."""
        for _ in range(MAX_RE_EXPORTS):
            head, rest = _split(path)
            module, names = self._walk(head)
            if module is None:
                break
            if not names:
                return module.name + rest
            bound = self.bound(module, names[0])
            if bound is None or not bound.path:
                return f"{module.name}:{'.'.join(names)}{rest}"
            path = ".".join([bound.path, *names[1:]]) + rest
        return path.replace(":", ".")

    def bound(self, module: Module, name: str) -> Bound | None:
        """What a module's name is bound to last, also through `import *`; None for a submodule."""
        found = module.names[name][-1] if name in module.names else None
        if found is not None:
            return None if found.path == f"{module.name}:{name}" else found
        for source in module.stars:
            starred = self.module(source)
            if starred is not None and starred is not module and self.bound(starred, name):
                return Bound((0, 0), path=f"{source}:{name}")
        return None

    def _walk(self, path: str) -> tuple[Module | None, list[str]]:
        """The module that a path leads to, and the names behind it. A name in a package hides its submodule."""
        start, colon, names = path.partition(":")
        parts = names.split(".") if colon else start.split(".")
        module = self.module(start if colon else parts.pop(0))
        for place, part in enumerate(parts):
            inner = module and not self.bound(module, part) and self.module(f"{module.name}.{part}")
            if not inner:
                return module, parts[place:]
            module = inner
        return module, []

    def is_module(self, path: str) -> bool:
        module, names = self._walk(path)
        return module is not None and not names

    def variable(self, path: str) -> tuple[Module, ast.expr] | None:
        """The value that a module-level name is given, with its module."""
        module, names = self._walk(path)
        bound = self.bound(module, names[0]) if module is not None and len(names) == 1 else None
        return (module, bound.value) if module is not None and bound is not None and bound.value is not None else None

    def function(self, path: str) -> Function | None:
        """A function `module:name`, a method `module:Class.name`, or one of an instance `module:Class().name`."""
        if path in self._functions:
            return self._functions[path]
        if method := _METHOD.fullmatch(path):
            return self.method(method[1], method[2])
        module, names = self._walk(path)
        bound = self.bound(module, names[0]) if module is not None and names else None
        if module is None or bound is None:
            return None
        if len(names) == 1 and isinstance(bound.definition, FunctionNode):
            return self.add(Function(path, bound.definition, module))
        if len(names) == 2 and isinstance(bound.definition, ast.ClassDef):
            return self.method(path.rpartition(".")[0], names[1])
        return None

    def add(self, function: Function) -> Function:
        """Make a function known by its path."""
        return self._functions.setdefault(function.path, function)

    def class_(self, path: str) -> Class | None:
        if path in self._classes:
            return self._classes[path]
        module, names = self._walk(path)
        bound = self.bound(module, names[0]) if module is not None and len(names) == 1 else None
        if module is None or bound is None or not isinstance(bound.definition, ast.ClassDef):
            return None
        return self._classes.setdefault(path, Class(path, bound.definition, module))

    def method(self, class_path: str, name: str) -> Function | None:
        """A method of a class or of the app's classes that it is made from."""
        for each in self.lineage(class_path):
            for statement in each.node.body:
                if isinstance(statement, FunctionNode) and statement.name == name:
                    return self.add(Function(f"{each.path}.{name}", statement, each.module, owner=each.path))
        return None

    def lineage(self, class_path: str) -> Iterator[Class]:
        """The class, then its bases that are the app's."""
        found = self.class_(self.origin(class_path))
        if found is None:
            return
        yield found
        for base in found.node.bases:
            if isinstance(base, ast.Name | ast.Attribute):
                yield from self.lineage(f"{found.module.name}:{ast.unparse(base)}")


def _parse(source: bytes, place: str) -> ast.Module:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        raise ConfigError(f"{place}:{line}: SyntaxError: {getattr(error, 'msg', error)}") from error


def _split(path: str) -> tuple[str, str]:
    """The part of a path that names something, and what is done with it."""
    end = re.search(r"[(\[]", path)
    return (path[: end.start()], path[end.start() :]) if end else (path, "")


def _last_name(node: ast.expr) -> str:
    if isinstance(node, ast.Call):
        return _last_name(node.func)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
