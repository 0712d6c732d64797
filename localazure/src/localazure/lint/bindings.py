"""Which names a module or a function binds, and to what."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass(frozen=True)
class Bound:
    """One place where a name gets its meaning: an import, a definition, a value, or nothing that can be told.

    `path` is `module` for an imported module, `module:name` for what is imported from one.
    """

    at: tuple[int, int]
    path: str = ""
    definition: Definition | None = None
    value: ast.expr | None = None
    annotation: ast.expr | None = None


Bindings = dict[str, list[Bound]]


def own_nodes(root: ast.AST) -> Iterator[ast.AST]:
    """What runs when the body of `root` does, in the order of the text: no inner definitions, no types."""
    for child in _parts_that_run(root):
        yield child
        if not isinstance(child, _DEFINITIONS):
            yield from own_nodes(child)


def _parts_that_run(node: ast.AST) -> Iterator[ast.AST]:
    for name, value in ast.iter_fields(node):
        if name in {"annotation", "returns", "decorator_list", "type_params", "bases"}:
            continue
        if isinstance(node, ast.ExceptHandler) and name == "type":
            continue
        yield from (part for part in (value if isinstance(value, list) else [value]) if isinstance(part, ast.AST))


def bound_names(root: ast.AST, package: str) -> Bindings:
    """The names that the body of `root` binds. `package` is where relative imports begin."""
    names: Bindings = {}
    for node in own_nodes(root):
        for name, bound in _bound_by(node, package):
            names.setdefault(name, []).append(bound)
    elsewhere = (node for node in own_nodes(root) if isinstance(node, ast.Global | ast.Nonlocal))
    for name in [name for node in elsewhere for name in node.names]:
        names.pop(name, None)
    return names


def star_imports(root: ast.AST, package: str) -> list[str]:
    """The modules that `from ... import *` takes everything from."""
    imports = (node for node in own_nodes(root) if isinstance(node, ast.ImportFrom))
    return [imported_from(node, package) for node in imports if node.names[0].name == "*"]


def imported_from(node: ast.ImportFrom, package: str) -> str:
    """The full name of the module in `from MODULE import ...`."""
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    base = parts[: len(parts) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


def _bound_by(node: ast.AST, package: str) -> Iterator[tuple[str, Bound]]:
    match node:
        case ast.Import() | ast.ImportFrom():
            yield from _imported_by(node, package)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name, Bound(_at(node), definition=node)
        case ast.Assign(targets=targets, value=value):
            yield from _targets(targets, value)
        case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=assigned):
            yield name, Bound(_end(node), value=assigned, annotation=annotation)
        case ast.NamedExpr(target=target, value=value):
            yield target.id, Bound(_end(node), value=value)
        case ast.withitem(context_expr=value, optional_vars=ast.Name() as target):
            yield target.id, Bound(_at(target), value=value)
        case ast.For(target=target) | ast.AsyncFor(target=target) | ast.comprehension(target=target):
            yield from ((name.id, Bound(_at(name))) for name in _names_in([target]))
        case ast.ExceptHandler(name=str(name)):
            yield name, Bound(_at(node))
        case ast.Lambda(args=arguments):
            yield from ((argument.arg, Bound(_at(node))) for argument in parameters(arguments))


def _imported_by(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[tuple[str, Bound]]:
    for alias in node.names:
        if isinstance(node, ast.ImportFrom):
            yield alias.asname or alias.name, Bound(_at(node), f"{imported_from(node, package)}:{alias.name}")
        else:
            whole = alias.name if alias.asname else alias.name.partition(".")[0]
            yield alias.asname or whole, Bound(_at(node), whole)


def _targets(targets: Iterable[ast.expr], value: ast.expr) -> Iterator[tuple[str, Bound]]:
    for target in targets:
        if isinstance(target, ast.Name):
            yield target.id, Bound(_end(value), value=value)
        else:
            yield from ((name.id, Bound(_end(value))) for name in _names_in([target]))


def _names_in(targets: Iterable[ast.expr]) -> Iterator[ast.Name]:
    """The names that targets such as `a, (b, *c)` bind; `a.b` and `a[b]` bind none."""
    for target in targets:
        if isinstance(target, ast.Name):
            yield target
        elif isinstance(target, ast.Tuple | ast.List):
            yield from _names_in(target.elts)
        elif isinstance(target, ast.Starred):
            yield from _names_in([target.value])


def parameters(arguments: ast.arguments) -> list[ast.arg]:
    """All parameters in the order of positions, keyword-only ones last."""
    stars = [star for star in (arguments.vararg, arguments.kwarg) if star is not None]
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, *stars]


def _at(node: ast.stmt | ast.expr | ast.excepthandler) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _end(node: ast.stmt | ast.expr) -> tuple[int, int]:
    """Where an assigned value ends: before that, the name still has its former meaning."""
    return node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
