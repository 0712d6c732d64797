"""What runs in place of an activity: a callable, a value, or an exception.

A stand-in is declared with the SDK's own decorator and called through the host's own pipeline, so what goes in and
comes out is converted, and refused, as it would be for the function that it stands for.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import azure.durable_functions as df

Answer = Any
"""A callable of the activity's input (plain or `async`), an exception to raise, or a value to return."""


def in_turn(*answers: Answer) -> Callable[[Any], Any]:
    """Answer with the first at the first call, with the second at the second, and with the last ever after."""
    if not answers:
        raise ValueError("in_turn() needs at least one answer")
    following = iter(answers[:-1])

    async def answer(given: Any) -> Any:
        return await _settle(next(following, answers[-1]), given)

    return answer


def declare(app: df.Blueprint, stand_ins: Mapping[str, Answer]) -> None:
    """Add one activity per name."""
    for name, answer in stand_ins.items():
        app.function_name(name)(app.activity_trigger(input_name="given", activity=name)(_activity(name, answer)))


def named(functions: Mapping[str, Answer] | Iterable[Callable[..., Any]]) -> dict[str, Answer]:
    """Stand-ins by name; plain functions go by their own."""
    if isinstance(functions, Mapping):
        return dict(functions)
    return {function.__name__: function for function in functions}


def _activity(name: str, answer: Answer) -> Callable[..., Any]:
    if _is_code(answer) and not _is_async(answer):

        def plain(given: Any) -> Any:
            return answer(given)

        plain.__name__ = name
        return plain

    async def prompt(given: Any) -> Any:
        return await _settle(answer, given)

    prompt.__name__ = name
    return prompt


async def _settle(answer: Answer, given: Any) -> Any:
    if isinstance(answer, BaseException):
        raise answer.with_traceback(None)  # or it would remember every time that it was raised
    if isinstance(answer, type) and issubclass(answer, BaseException):
        raise answer
    value = answer(given) if _is_code(answer) else answer
    return await value if inspect.isawaitable(value) else value


def _is_code(answer: Answer) -> bool:
    return callable(answer) and not isinstance(answer, type)


def _is_async(code: Callable[..., Any]) -> bool:
    return inspect.iscoroutinefunction(code) or inspect.iscoroutinefunction(getattr(code, "__call__", None))  # noqa: B004
