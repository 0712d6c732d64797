"""Entity `circuit_breaker`: one per provider, asked by every saga before it calls the provider."""

from __future__ import annotations

from datetime import datetime

import azure.durable_functions as df

from domain import names
from domain.breaker import Breaker


def circuit_breaker(context: df.DurableEntityContext) -> None:
    """Keep count of a provider's failures, and hold everybody back while it is down.

    Operations  admit      → {"admitted": true} | {"admitted": false, "retry_after_s": int}
                succeeded, failed: how a request that was admitted has ended
    Input       the caller's time, ISO 8601
    State       `domain.breaker.Breaker` as JSON
    """
    breaker = Breaker.model_validate(context.get_state(dict))
    at = datetime.fromisoformat(context.get_input())
    match context.operation_name:
        case names.BREAKER_ADMIT:
            breaker, retry_after_s = breaker.admit(at)
            admitted = retry_after_s is None
            context.set_result(
                {"admitted": admitted} if admitted else {"admitted": False, "retry_after_s": retry_after_s}
            )
        case names.BREAKER_SUCCEEDED:
            breaker = breaker.succeeded()
        case names.BREAKER_FAILED:
            breaker = breaker.failed(at)
    context.set_state(breaker.to_json())
