"""The objects that a function may ask for: its context and its outputs."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Generic, TypeVar

import azure.functions as func
from azure.functions import _abc as abc

T = TypeVar("T")


class OutValue(func.Out[T], Generic[T]):
    """An output parameter; None until the function sets it."""

    def __init__(self) -> None:
        self._value: T | None = None

    def set(self, val: T) -> None:
        self._value = val

    def get(self) -> T | None:  # type: ignore[override]  # the SDK's signature leaves out the unset case
        return self._value


@dataclass(frozen=True)
class TraceContext:
    """W3C trace context, under the new and the older attribute names. Without a parent, a trace begins here."""

    parent: str = ""
    trace_state: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def trace_parent(self) -> str:
        return self.parent or f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00"

    @property
    def Traceparent(self) -> str:  # noqa: N802  # the worker's spelling
        return self.trace_parent

    @property
    def Tracestate(self) -> str:  # noqa: N802  # the worker's spelling
        return self.trace_state

    @property
    def Attributes(self) -> Mapping[str, str]:  # noqa: N802  # the worker's spelling
        return self.attributes


@dataclass(frozen=True)
class PreviousFailure:
    """Why the attempt before this one failed."""

    source: str
    stack_trace: str
    message: str


@dataclass(frozen=True)
class RetryContext:
    """Which attempt this is (from 0) and, after the first, why the one before it failed."""

    retry_count: int = 0
    max_retry_count: int = 0
    exception: PreviousFailure | None = None


@dataclass(frozen=True)
class InvocationContext:
    """What a parameter named `context` receives."""

    invocation_id: str
    function_name: str
    function_directory: str
    thread_local_storage: threading.local
    trace_context: TraceContext = field(default_factory=TraceContext)
    retry_context: RetryContext = field(default_factory=RetryContext)


# Plain data that counts as the SDK's abstract classes, which a dataclass cannot derive from.
func.Context.register(InvocationContext)
abc.TraceContext.register(TraceContext)
abc.RetryContext.register(RetryContext)
