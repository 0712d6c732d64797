"""Compares a function's parameters with its bindings, in the words of the Python worker."""

from __future__ import annotations

import inspect
import types
import typing
from collections import abc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from azure.functions import Out

from localazure.host import converters
from localazure.host.errors import IndexingError
from localazure.host.functions import DURABLE_TRIGGERS, RETURN, Binding

CONTEXT = "context"
_NO_GENERICS = frozenset({typing.Union, tuple, typing.ClassVar, abc.Callable})


@dataclass(frozen=True)
class Signature:
    """What invocation needs to know about the parameters.

    `raw_parameters` take their text or bytes as they come; `annotations` holds the types of values, without `Out`.
    """

    wants_context: bool
    raw_parameters: frozenset[str]
    annotations: Mapping[str, Any]


def check_signature(name: str, call: Callable[..., Any], bindings: tuple[Binding, ...]) -> Signature:
    """Raises IndexingError."""
    parameters = dict(inspect.signature(call).parameters)
    bound = {binding.name: binding for binding in bindings}
    wants_context = CONTEXT in parameters and CONTEXT not in bound
    if wants_context:
        _check_context(name, parameters.pop(CONTEXT).annotation)
    _check_names(name, set(parameters), set(bound) - {RETURN})
    _check_return(name, bound.get(RETURN))
    annotations = {
        key: _value_type(name, bound[key], hint) for key, hint in _hints(name, call, set(parameters)).items()
    }
    raw = frozenset(key for key, hint in annotations.items() if _is_raw(bound[key], hint))
    for key in annotations.keys() - raw:
        _check_type(name, bound[key], annotations[key])
    return Signature(wants_context, raw, annotations)


def _error(name: str, problem: str) -> IndexingError:
    return IndexingError(f"cannot load the {name} function: {problem}")


def _check_context(name: str, annotation: Any) -> None:
    if (
        annotation is not inspect.Parameter.empty
        and str(getattr(annotation, "__name__", annotation)).split(".")[-1] != "Context"
    ):
        raise _error(
            name, f'the "context" parameter is expected to be of type azure.functions.Context, got {annotation!r}'
        )


def _check_names(name: str, declared: set[str], bound: set[str]) -> None:
    if unbound := declared - bound:
        raise _error(
            name, f"the following parameters are declared in Python but not in function.json: {_set_text(unbound)}"
        )
    if undeclared := bound - declared:
        raise _error(
            name, f"the following parameters are declared in function.json but not in Python: {_set_text(undeclared)}"
        )


def _set_text(names: set[str]) -> str:
    return "{" + ", ".join(repr(name) for name in sorted(names)) + "}"


def _check_return(name: str, binding: Binding | None) -> None:
    if binding is not None and binding.direction != "out":
        raise _error(name, '"$return" binding must have direction set to "out"')


def _hints(name: str, call: Callable[..., Any], parameters: set[str]) -> dict[str, Any]:
    try:
        hints = typing.get_type_hints(call)
    except Exception as error:  # noqa: BLE001  # evaluating the app's annotations can raise anything
        raise _error(name, f"an annotation cannot be resolved: {error}") from None
    return {key: hint for key, hint in hints.items() if key in parameters}


def _value_type(name: str, binding: Binding, hint: Any) -> Any:
    """The type inside `Out[...]` for an output, else the annotation itself."""
    is_out = typing.get_origin(hint) is Out or hint is Out
    if is_out and len(typing.get_args(hint)) != 1:
        raise _error(name, f"binding {binding.name} has invalid Out annotation {hint!r}")
    if is_out != (binding.direction == "out"):
        instead = "azure.functions.Out" if is_out else "not azure.functions.Out"
        raise _error(
            name,
            f'binding {binding.name} is declared to have the "{binding.direction}" direction in function.json,'
            f" but its annotation in Python is {instead}",
        )
    value = typing.get_args(hint)[0] if is_out else hint
    if not _is_type(value):
        mend = " (use typing.Dict[...] or dict, typing.List[...] or list)" if _is_builtin_generic(value) else ""
        raise _error(name, f"binding {binding.name} has invalid non-type annotation {hint!r}{mend}")
    return value


def _is_type(hint: Any) -> bool:
    """What the Python worker takes for a type: classes, and generics of `typing` that are no special forms."""
    if isinstance(hint, type):
        return True
    origin = typing.get_origin(hint)
    is_special = origin is None or origin in _NO_GENERICS or isinstance(hint, types.UnionType)
    return not is_special and not _is_builtin_generic(hint)


def _is_builtin_generic(hint: Any) -> bool:
    """`dict[str, int]` and the like, which the worker refuses in every version so far."""
    return isinstance(hint, types.GenericAlias)


def _is_raw(binding: Binding, hint: Any) -> bool:
    """`str` and `bytes` bypass the converter, except where an activity's value is meant."""
    return hint in (str, bytes) and binding.kind not in DURABLE_TRIGGERS


def _check_type(name: str, binding: Binding, hint: Any) -> None:
    converter = converters.converter_for(binding.type)
    check = "check_output_type_annotation" if binding.direction == "out" else "check_input_type_annotation"
    accepts = getattr(converter, check, None)
    if accepts is None:
        return
    try:
        is_accepted = accepts(hint)
    except TypeError:  # the SDK hands typing constructs to issubclass
        is_accepted = False
    if not is_accepted:
        raise _error(
            name,
            f'type of {binding.name} binding in function.json "{binding.type}" does not match its Python annotation'
            f' "{getattr(hint, "__name__", hint)}"',
        )
