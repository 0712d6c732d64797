"""Payloads that have no JSON form, where that can be seen."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from localazure.lint.checks.tasks import TASKS
from localazure.lint.frames import CONTEXT, Frame
from localazure.lint.meanings import GENERATOR, PATH, SET
from localazure.lint.report import Report

_PAYLOADS = {
    "call_activity": 1,
    "call_activity_with_retry": 2,
    "call_sub_orchestrator": 1,
    "call_sub_orchestrator_with_retry": 2,
    "call_entity": 2,
    "signal_entity": 2,
    "continue_as_new": 0,
    "set_custom_status": 0,
}
"""The place of the payload among the arguments of a method of the context."""
_KEYWORDS = {"input_", "operationInput", "status"}
_WITHOUT_JSON = TASKS | {SET, GENERATOR, PATH, "builtins.bytes()", "builtins.complex()", "builtins.bytearray()"}
_WITHOUT_JSON |= {f"datetime.{name}()" for name in ("datetime", "date", "time", "timedelta", "datetime.fromisoformat")}
_WITHOUT_JSON |= {"decimal.Decimal()", "fractions.Fraction()", "uuid.UUID()", "uuid.uuid3()", "uuid.uuid5()"}
_WITHOUT_JSON |= {f"{CONTEXT}.current_utc_datetime", f"{CONTEXT}.new_guid()"}
_PLAIN_BASES = {"builtins.object", "abc.ABC", "pydantic.BaseModel", "typing.Protocol"}


def check_payloads(frame: Frame, report: Report) -> None:
    """Report parts of payloads, and of an orchestrator's result, that cannot become JSON."""
    if frame.function is None:
        return
    for node in frame.function.nodes:
        for payload in _payloads(frame, node):
            for part in _parts(payload):
                if isinstance(part, ast.Lambda) or _has_no_json(frame, frame.meaning(part)):
                    report(part, "payload", f"`{ast.unparse(part)}` has no JSON form")


def _payloads(frame: Frame, node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.Return) and node.value is not None and frame.is_orchestrator:
        is_task = frame.meaning(node.value) in TASKS  # another rule's finding
        yield from () if is_task else (node.value,)
    if not isinstance(node, ast.Call):
        return
    context, _, method = frame.meaning(node.func).rpartition(".")
    if context == CONTEXT and method in _PAYLOADS:
        place = _PAYLOADS[method]
        yield from node.args[place : place + 1]
        yield from (keyword.value for keyword in node.keywords if keyword.arg in _KEYWORDS)


def _parts(payload: ast.expr) -> Iterator[ast.expr]:
    """The values in a display of lists, tuples and dicts."""
    match payload:
        case ast.List(elts=parts) | ast.Tuple(elts=parts):
            inner = parts
        case ast.Dict(values=values):
            inner = values
        case ast.ListComp(elt=value) | ast.DictComp(value=value):
            inner = [value]
        case _:
            yield payload
            return
    for part in inner:
        yield from _parts(part)


def _has_no_json(frame: Frame, meaning: str) -> bool:
    if meaning in _WITHOUT_JSON:
        return True
    class_path = meaning.removesuffix("()")
    if class_path == meaning or frame.project.class_(class_path) is None:
        return False
    if frame.project.method(class_path, "to_json"):
        return False
    lineage = list(frame.project.lineage(class_path))
    bases = {frame.at_module(each.module).meaning(base) for each in lineage for base in each.node.bases}
    return bases <= _PLAIN_BASES | {each.path for each in lineage}
