"""The frame around every HTTP handler: correlation, authentication, errors, one log line."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Awaitable, Callable

import azure.functions as func

from adapters import tokens
from adapters.durable import DurableClient
from adapters.logs import log
from adapters.spending import spending
from domain.callers import Caller, Role
from domain.errors import Forbidden, Unauthenticated, WaybillError
from triggers.web.answers import Answer
from triggers.web.call import Call, origin
from triggers.web.problems import problem
from triggers.web.tracing import Tracing

Handler = Callable[[Call], Awaitable[Answer]]
Roles = frozenset[Role]
Function = Callable[[func.HttpRequest, DurableClient], Awaitable[func.HttpResponse]]

ANYONE: Roles = frozenset()


def endpoint(handler: Handler, roles: Roles) -> Function:
    """The handler as a function for the host; with no roles given it is open to anyone, without a token."""

    async def run(req: func.HttpRequest, client: DurableClient) -> func.HttpResponse:
        started = time.perf_counter()
        tracing = Tracing.of(req.headers)
        caller: Caller | None = None
        fault: BaseException | None = None
        with spending() as spent:
            try:
                origin(req.url)
                caller = await _admit(req, roles) if roles else None
                answer = await handler(Call(req, client, tracing, caller))
            except Exception as error:  # noqa: BLE001  # the border: whatever went wrong, the caller gets an answer
                fault = error
                answer = problem(error, _path(req.url))
        log(
            handler.__name__,
            level=logging.ERROR if answer.status == 500 else logging.INFO,
            error=fault if answer.status == 500 else None,
            tenant=caller.tenant_id if caller else None,
            correlation=tracing.correlation_id,
            traceparent=tracing.traceparent,
            status=answer.status,
            problem=str(fault) if isinstance(fault, WaybillError) else None,
            ms=round((time.perf_counter() - started) * 1000),
            ru=spent.ru,
        )
        return answer.response(tracing.headers)

    run.__name__ = run.__qualname__ = handler.__name__
    run.__doc__ = handler.__doc__
    return run


def _path(url: str) -> str:
    return re.sub(r"^[^/]*//[^/?#]*|[?#].*$", "", url)


async def _admit(req: func.HttpRequest, roles: Roles) -> Caller:
    scheme, _, token = req.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("the request has no bearer token")
    caller = await tokens.verify(token.strip())
    if not caller.is_one_of(roles):
        raise Forbidden(f"this needs one of the roles {', '.join(sorted(roles))}")
    return caller
