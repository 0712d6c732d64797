"""Log lines that can be searched: an action, then `name=value` facts, the same names everywhere. Never a secret."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from functools import wraps

from adapters.spending import spending
from domain.names import fulfil_instance_id
from domain.shapes import JsonObject

_log = logging.getLogger("waybill")

Activity = Callable[..., Awaitable[JsonObject]]


def log(action: str, *, level: int = logging.INFO, error: BaseException | None = None, **facts: object) -> None:
    """One line about one action; facts that are None are left out."""
    told = " ".join(f"{name}={value}" for name, value in facts.items() if value is not None)
    _log.log(level, "action=%s %s", action, told, exc_info=error)


def logged(activity: Activity) -> Activity:
    """The same activity, with a line about each run: whose, how it ended, how long it took, what the database took."""

    @wraps(activity)
    async def run(payload: JsonObject, **bindings: object) -> JsonObject:
        started = time.perf_counter()
        outcome: object = "raised"
        with spending() as spent:
            try:
                result = await activity(payload, **bindings)
                outcome = result.get("outcome")
                return result
            finally:
                log(
                    activity.__name__,
                    tenant=payload.get("tenant_id"),
                    instance=payload.get("instance_id")
                    or fulfil_instance_id(payload.get("tenant_id", ""), payload.get("order_id", "")),
                    correlation=payload.get("correlation_id"),
                    outcome=outcome,
                    ms=round((time.perf_counter() - started) * 1000),
                    ru=spent.ru,
                )

    return run
