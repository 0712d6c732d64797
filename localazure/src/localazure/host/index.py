"""Turns the SDK's function objects into hosted functions and finds what is wrong with each of them.

A fault of one function never stops the others: it is kept in that function's `errors`.
"""

from __future__ import annotations

import inspect
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from localazure.host.connections import check_connections
from localazure.host.errors import IndexingError
from localazure.host.functions import (
    INPUTS,
    OUTPUTS,
    Binding,
    HostedFunction,
    RetryPolicy,
    binding_of,
    raw_bindings_of,
)
from localazure.host.queue_options import check_queue_name
from localazure.host.settings import Settings
from localazure.host.signatures import CONTEXT, Signature, check_signature
from localazure.host.timespans import parse_timespan

log = logging.getLogger(__name__)

_FUNCTION_NAME = re.compile(r"[a-z][a-z0-9_\-]{0,127}", re.IGNORECASE)
_BINDING_NAME = re.compile(r"[a-zA-Z][a-zA-Z0-9_]{0,127}|\$return")

_NO_EXTENSION = (
    "Please ensure the type is correct and the binding extension is installed: localazure has no such binding."
)
_RETRY_INTERVAL = re.compile(r"\d{1,2}:\d{1,2}:\d{1,2}")
_LONGEST_RETRY_DELAY = timedelta(seconds=2**31 - 1)
_RETRIED_TRIGGERS = frozenset({"timertrigger", "cosmosdbtrigger"})

TriggerCheck = Callable[[HostedFunction], None]
"""What a trigger demands of its functions at indexing (a valid schedule, a valid route); raises IndexingError."""


@dataclass(frozen=True)
class Index:
    """All functions of the app, ordered by name ignoring case: the order that also decides between routes."""

    functions: tuple[HostedFunction, ...]

    def find(self, name: str) -> HostedFunction | None:
        return next((function for function in self.functions if function.name.lower() == name.lower()), None)

    def runnable(self, *kinds: str) -> list[HostedFunction]:
        """The functions that may run and have one of these triggers (in lower case)."""
        return [function for function in self.functions if function.is_runnable and function.trigger.kind in kinds]

    @property
    def errors(self) -> list[str]:
        return [error for function in self.functions for error in function.errors]


def build_index(
    sdk_functions: Sequence[Any],
    settings: Settings,
    allowed: Sequence[str] | None,
    checks: Mapping[str, TriggerCheck],
) -> Index:
    """`allowed` is host.json's `functions`; `checks` holds the trigger checks by trigger type in lower case."""
    seen: set[str] = set()
    indexed: list[HostedFunction] = []
    for sdk_function in sdk_functions:
        function = _describe(sdk_function, settings, allowed)
        try:
            _check_names(function, seen)
            function = _complete(function, sdk_function.get_settings_dict("retry_policy"), settings)
            _check_bindings(function)
            check_connections(function, settings)
            _check_durable_name(function, indexed)
            _check_trigger(function, checks)
            _warn_of_context_name(function)
        except IndexingError as error:
            log.error("The '%s' function is in error: %s", function.name, error)  # noqa: TRY400  # the text says it all
            function = replace(function, errors=(str(error),))
        seen.add(function.name.lower())
        indexed.append(function)
    return Index(tuple(sorted(indexed, key=lambda function: function.name.lower())))


def _describe(sdk_function: Any, settings: Settings, allowed: Sequence[str] | None) -> HostedFunction:
    name = str(sdk_function.get_function_name())
    call = sdk_function.get_user_function()
    raw = raw_bindings_of(sdk_function)
    return HostedFunction(
        name=name,
        entry_point=call.__name__,
        script_file=sdk_function.function_script_file,
        call=call,
        is_async=inspect.iscoroutinefunction(call),
        raw_bindings=raw,
        bindings=tuple(binding_of(item) for item in raw),
        trigger_name=sdk_function.get_trigger().name,
        is_disabled=_is_disabled(name, raw, settings),
        is_allowed=allowed is None or name.lower() in {item.lower() for item in allowed},
    )


def _is_disabled(name: str, raw_bindings: Sequence[Mapping[str, Any]], settings: Settings) -> bool:
    by_setting = any(settings.is_true(f"AzureWebJobs{dot}{name}{dot}Disabled") for dot in (".", "_"))
    return by_setting or any(raw.get("disabled") is True for raw in raw_bindings)


def _check_names(function: HostedFunction, seen: set[str]) -> None:
    if not _FUNCTION_NAME.fullmatch(function.name) or function.name.lower() == "host":
        raise IndexingError(f"'{function.name}' is not a valid function name.")
    if function.name.lower() in seen:
        raise IndexingError(
            f"The function name '{function.name}' must be unique within the function app, ignoring case."
        )
    names = [binding.name for binding in function.bindings]
    for name in names:
        if not _BINDING_NAME.fullmatch(name):
            raise IndexingError(f"The binding name '{name}' is invalid. Please assign a valid name to the binding.")
        if "_" in name:
            log.warning("%s: the binding name '%s' has an underscore, which older hosts refuse.", function.name, name)
    if len({name.lower() for name in names}) < len(names):
        raise IndexingError("Multiple bindings have the same name. Binding names must be unique.")
    if any(str(raw.get("direction")).lower() == "inout" for raw in function.raw_bindings):
        raise IndexingError(f"cannot load the {function.name} function: 'inout' bindings are not supported")


def _check_durable_name(function: HostedFunction, others: Sequence[HostedFunction]) -> None:
    name = function.durable_name.lower()
    for other in others:
        if name and other.durable_name.lower() == name and other.trigger.kind == function.trigger.kind:
            raise IndexingError(
                f"The durable name '{function.durable_name}' is already taken by the function '{other.name}'."
            )


def _warn_of_context_name(function: HostedFunction) -> None:
    """The durable SDK's wrapper calls its parameter `context`, so that the cloud's worker accepts no other name."""
    if function.is_replayed and function.trigger_name != CONTEXT:
        log.warning(
            "%s: context_name='%s' works here, but the worker in the cloud refuses the app for it; use 'context'.",
            function.name,
            function.trigger_name,
        )


def _complete(function: HostedFunction, retry: Mapping[str, Any] | None, settings: Settings) -> HostedFunction:
    bindings = tuple(replace(binding, properties=_expand(binding, settings)) for binding in function.bindings)
    # The durable SDK's wrapper has one parameter of its own choice, and is called by position.
    signature = (
        Signature(wants_context=False, raw_parameters=frozenset(), annotations={})
        if function.is_replayed
        else check_signature(function.name, function.call, bindings)
    )
    return replace(
        function,
        bindings=bindings,
        raw_parameters=signature.raw_parameters,
        annotations=signature.annotations,
        wants_context=signature.wants_context,
        retry=_retry_policy(retry) if retry else None,
    )


def _expand(binding: Binding, settings: Settings) -> dict[str, Any]:
    """`connection` properties are names of settings themselves and stay as they are."""
    return {
        key: settings.expand(value) if isinstance(value, str) and "connection" not in key.lower() else value
        for key, value in binding.properties.items()
    }


def _retry_policy(retry: Mapping[str, Any]) -> RetryPolicy:
    def interval(key: str, default: timedelta = timedelta(0)) -> timedelta:
        text = str(retry.get(key) or "")
        if text and not _RETRY_INTERVAL.fullmatch(text):
            raise ValueError(f"{key}: {text!r} is not hh:mm:ss, and the worker in the cloud takes nothing else")
        return parse_timespan(text) if text else default

    is_exponential = retry.get("strategy") == "exponential_backoff"
    try:
        count = int(retry["max_retry_count"])
        first = interval("minimum_interval" if is_exponential else "delay_interval")
        return RetryPolicy(count, first, interval("maximum_interval", _LONGEST_RETRY_DELAY), is_exponential)
    except (KeyError, ValueError) as error:
        raise IndexingError(f"The retry policy is invalid: {error}") from None


def _check_bindings(function: HostedFunction) -> None:
    """Raises IndexingError for a binding that this host does not have."""
    unknown = sorted(
        {binding.type for binding in function.inputs if binding.kind not in INPUTS}
        | {binding.type for binding in function.bindings if binding.direction == "out" and binding.kind not in OUTPUTS}
    )
    if unknown:
        raise IndexingError(f"The binding type(s) '{', '.join(unknown)}' are not registered. {_NO_EXTENSION}")
    for binding in function.bindings:
        if binding.kind == "queue" and not binding.has_expressions:
            check_queue_name(binding.text("queueName"))


def _check_trigger(function: HostedFunction, checks: Mapping[str, TriggerCheck]) -> None:
    """Raises IndexingError for a trigger that this host does not have, or that refuses the function."""
    check = checks.get(function.trigger.kind)
    if check is None:
        raise IndexingError(f"The binding type(s) '{function.trigger.type}' are not registered. {_NO_EXTENSION}")
    check(function)
    if function.retry is not None and function.trigger.kind not in _RETRIED_TRIGGERS:
        log.warning("%s: a %s has no retry policies; this one is ignored.", function.name, function.trigger.type)
