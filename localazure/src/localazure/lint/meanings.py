"""What an expression stands for, as a dotted text.

`datetime.datetime.now` is the function, `datetime.datetime.now()` what it gives, `pathlib.Path()` an instance. Names of
the app are full paths, with a colon behind the module: `orchestrators.saga:Saga().step`. Sets of every origin are
`builtins.set()`.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from localazure.lint.project import Function

if TYPE_CHECKING:
    from localazure.lint.frames import Frame

SET = "builtins.set()"
GENERATOR = "builtins.generator()"
PATH = "pathlib.Path()"
_SETS = {
    "builtins.set",
    "builtins.frozenset",
    "typing.Set",
    "typing.FrozenSet",
    "typing.AbstractSet",
    "collections.abc.Set",
}
_SET_METHODS = {"union", "intersection", "difference", "symmetric_difference", "copy"}
_PATH_METHODS = {"joinpath", "with_name", "with_suffix", "with_stem", "relative_to", "absolute", "expanduser"}
_PATH_ATTRIBUTES = {"parent"}
_PATHS = {"pathlib.Path", "pathlib.PosixPath", "pathlib.WindowsPath"}
_CONTEXT_CLASS = "DurableOrchestrationContext"
_WRAPPERS = {"Optional", "Annotated", "Final"}
_KINDS: dict[type[ast.expr], str] = {
    ast.Set: SET,
    ast.SetComp: SET,
    ast.List: "builtins.list()",
    ast.ListComp: "builtins.list()",
    ast.Dict: "builtins.dict()",
    ast.DictComp: "builtins.dict()",
    ast.Tuple: "builtins.tuple()",
    ast.JoinedStr: "builtins.str()",
    ast.GeneratorExp: GENERATOR,
}
"""What displays and comprehensions stand for."""


def meaning(frame: Frame, node: ast.expr) -> str:
    """Empty when it cannot be told. Use `Frame.meaning`, which remembers."""
    match node:
        case ast.Name(id=name):
            return frame.name(name, (node.lineno, node.col_offset))
        case ast.Attribute(value=value, attr=name):
            return _attribute(frame, frame.meaning(value), name)
        case ast.Call():
            return _result(frame, node)
        case ast.Subscript(value=value):
            base = frame.meaning(value)
            return base and f"{base}[]"
        case ast.BinOp(left=left, op=op, right=right):
            return _operation(op, frame.meaning(left), frame.meaning(right))
        case ast.IfExp(body=first, orelse=second):
            return _common(frame, [first, second])
        case ast.BoolOp(values=values):
            return _common(frame, values)
        case ast.NamedExpr(value=value):
            return frame.meaning(value)
        case ast.YieldFrom(value=ast.Call() as call):
            callee = frame.callee(call)
            return _returned(frame, *callee) if callee else ""
        case ast.Constant(value=value):
            return f"builtins.{type(value).__name__}()"
    return _KINDS.get(type(node), "")


def _common(frame: Frame, values: list[ast.expr]) -> str:
    found = {frame.meaning(value) for value in values}
    return found.pop() if len(found) == 1 else ""


def _operation(op: ast.operator, left: str, right: str) -> str:
    if isinstance(op, ast.BitOr | ast.BitAnd | ast.Sub | ast.BitXor) and SET in {left, right}:
        return SET
    if isinstance(op, ast.Div) and PATH in {left, right}:
        return PATH
    return ""


def _attribute(frame: Frame, base: str, name: str) -> str:
    if not base:
        return ""
    project = frame.project
    if base.endswith("()") and project.class_(base[:-2]):
        return _of_instance(frame, base, name)
    if base == PATH and name in _PATH_ATTRIBUTES:
        return PATH
    path = f"{base}.{name}"
    return frame.value_of(project.origin(path)) if project.is_module(base) else path


def _of_instance(frame: Frame, instance: str, name: str) -> str:
    method = frame.project.method(instance[:-2], name)
    if method is not None and method.is_decorated("property", "cached_property"):
        return _returned(frame, method, {"self": instance})
    if method is not None:
        return f"{instance}.{name}"
    for class_ in frame.project.lineage(instance[:-2]):
        if class_.attributes.get(name):
            return class_.attributes[name]
        for statement in class_.node.body:
            if isinstance(statement, ast.AnnAssign) and ast.unparse(statement.target) == name:
                return annotated(frame.at_module(class_.module), statement.annotation)
    return ""


def _result(frame: Frame, call: ast.Call) -> str:
    function = frame.meaning(call.func)
    if not function:
        return ""
    if function in _SETS or (function.startswith(f"{SET}.") and function.removeprefix(f"{SET}.") in _SET_METHODS):
        return SET
    if function in _PATHS or (function.startswith(f"{PATH}.") and function.removeprefix(f"{PATH}.") in _PATH_METHODS):
        return PATH
    callee = frame.callee(call)
    if frame.project.class_(function):
        if callee is not None:
            frame.call(*callee).note_attributes()
        return f"{function}()"
    if callee is None or callee[0].is_generator or callee[0].is_async:
        return f"{function}()"
    return _returned(frame, *callee)


def _returned(frame: Frame, function: Function, given: dict[str, str]) -> str:
    """What a function returns, when all its returns agree; else what it is annotated to return."""
    called = frame.call(function, given)
    if called.key in frame.project.returns:
        return frame.project.returns[called.key]
    frame.project.returns[called.key] = ""  # for functions that call themselves
    values = [node.value for node in function.nodes if isinstance(node, ast.Return)]
    found = {called.meaning(value) for value in values if value is not None} - {"builtins.NoneType()"}
    meant = found.pop() if len(found) == 1 else ""
    if not meant and not function.is_generator:
        meant = annotated(called, function.node.returns)
    frame.project.returns[called.key] = meant
    return meant


def annotated(frame: Frame, annotation: ast.expr | None) -> str:
    """An instance of what an annotation names; the X of `X | None` and `Optional[X]`."""
    match annotation:
        case ast.Constant(value=str(text)):
            return annotated(frame, _parsed(text))
        case ast.BinOp(left=left, op=ast.BitOr(), right=ast.Constant(value=None)):
            return annotated(frame, left)
        case ast.Subscript(value=value, slice=inner):
            generic = frame.meaning(value)
            if generic.rpartition(".")[2] in _WRAPPERS:
                return annotated(frame, inner.elts[0] if isinstance(inner, ast.Tuple) and inner.elts else inner)
            return SET if generic in _SETS else ""
        case ast.Name() | ast.Attribute():
            return _instance_of(frame.meaning(annotation))
    return ""


def _instance_of(class_path: str) -> str:
    if class_path.startswith("azure.durable_functions") and class_path.endswith(_CONTEXT_CLASS):
        return f"azure.durable_functions.{_CONTEXT_CLASS}()"
    if class_path in _PATHS:
        return PATH
    if class_path in _SETS:
        return SET
    return class_path and f"{class_path}()"


def _parsed(text: str) -> ast.expr | None:
    try:
        return ast.parse(text, mode="eval").body
    except SyntaxError:
        return None
