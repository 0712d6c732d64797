"""Answers of the management API: always JSON or empty, because the SDK's client parses every body."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from localazure.durable.errors import HubError, InstanceExists, InvalidArgument

WITH_BODY = frozenset({400, 409, 413, 503})
BAD_ARGUMENT = "One or more of the arguments submitted is incorrect"


def json_answer(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    text = json.dumps(value)
    return web.Response(text=text, status=status, headers=headers, content_type="application/json", charset="utf-8")


def empty(status: int) -> web.Response:
    return web.Response(status=status)


def refusal(error: HubError) -> web.Response:
    """A refused request; most of the original's refusals have no body."""
    if error.status not in WITH_BODY:
        return empty(error.status)
    if isinstance(error, InstanceExists):
        return json_answer({"Message": str(error)}, status=error.status)
    message = BAD_ARGUMENT if isinstance(error, InvalidArgument) else str(error)
    return json_answer(_error(message, str(error)), status=error.status)


def unexpected() -> web.Response:
    text = "Something went wrong while processing your request"
    return json_answer(_error(text, text), status=500)


def _error(message: str, detail: str) -> dict[str, Any]:
    kind = "System.ArgumentException"
    return {"Message": message, "ExceptionMessage": detail, "ExceptionType": kind, "StackTrace": None}
