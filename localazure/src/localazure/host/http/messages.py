"""Between aiohttp's requests and responses and what the SDK's HTTP converters take and give."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import azure.functions as func
from aiohttp import web
from azure.functions.meta import Datum
from multidict import CIMultiDict

from localazure.host.context import TraceContext
from localazure.host.functions import HostedFunction
from localazure.host.invocation import MANUAL_REASON, TriggerCall
from localazure.host.json_input import parse_json

# The server alone decides about these.
_SERVER_HEADERS = frozenset({"transfer-encoding", "connection", "content-length", "keep-alive"})
_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_LINE_END = re.compile(r"[\r\n\0]")
_HEADERS_KEPT = 256  # most functions say the same again and again
_TEXTS_KEPT = 1024  # and most callers do, too
_FIRST_STATUS, _LAST_STATUS = 200, 999
_PLAIN_TEXT = "text/plain; charset=utf-8"


def request_url(request: web.Request) -> str:
    """As received, not normalised; with scheme and host."""
    raw = request.raw_path
    return (
        raw
        if raw.startswith(("http://", "https://"))
        else f"{request.scheme}://{request.headers.get('Host') or request.host}{raw}"
    )


def trigger_call(
    function: HostedFunction, request: web.Request, body: bytes, route_values: Mapping[str, str]
) -> TriggerCall:
    headers, query = _headers(request), _query(request)
    url = request_url(request)
    trace = TraceContext(headers["traceparent"], headers.get("tracestate", "")) if "traceparent" in headers else None
    values = _expression_values(request.method, body, headers, query, route_values) if function.uses_expressions else {}
    return TriggerCall(
        http_datum(request.method, url, headers=headers, body=body, query=query, route_values=route_values),
        MANUAL_REASON,
        values=values,
        trace=trace,
    )


def http_datum(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    body: bytes,
    query: Mapping[str, str],
    route_values: Mapping[str, str],
) -> Datum:
    return Datum(
        {
            "method": _text(method),
            "url": Datum(url, "string"),
            "headers": _texts(headers),
            "query": _texts(query),
            "params": _texts(route_values) if route_values else {},
            "body": Datum(body, "bytes"),
        },
        "http",
    )


def _texts(values: Mapping[str, str]) -> dict[str, Datum]:
    return {name: _text(value) for name, value in values.items()}


@lru_cache(_TEXTS_KEPT)
def _text(value: str) -> Datum:
    return Datum(value, "string")


def _headers(request: web.Request) -> dict[str, str]:
    """By name in lower case; values of one name with commas between them."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    if len(headers) < len(request.headers):
        headers = {name: ",".join(request.headers.getall(name)) for name in headers}
    return headers


def _query(request: web.Request) -> dict[str, str]:
    """Parameters that have a value; values of one name with commas between them."""
    query = {name: value for name, value in request.query.items() if value}
    if len(query) < len(request.query):
        query = {name: ",".join(filter(None, request.query.getall(name))) for name in query}
    return query


def _expression_values(
    method: str, body: bytes, headers: Mapping[str, str], query: Mapping[str, str], route_values: Mapping[str, str]
) -> dict[str, Any]:
    try:
        content = parse_json(body) if body else None
    except ValueError:
        content = None
    values: dict[str, Any] = dict(content) if isinstance(content, dict) else {}
    return values | {"Query": query, "Headers": headers, "sys.methodname": method, **route_values}


def response_of(result: Datum) -> web.Response:
    """What a function returned, as it goes out: an HttpResponse, or text (which may describe a response).

    Raises ValueError, TypeError or AttributeError when it cannot be sent.
    """
    if isinstance(result.value, func.HttpResponse):
        return _from_sdk(result.value)
    text = result.value.decode() if isinstance(result.value, bytes) else str(result.value)
    described = _description(text)
    return web.Response(body=text.encode(), headers={"Content-Type": _PLAIN_TEXT}) if described is None else described


def _from_sdk(response: func.HttpResponse) -> web.Response:
    headers: CIMultiDict[str] = CIMultiDict()
    if response.headers:
        for name, value in response.headers.items():
            if name.lower() not in _SERVER_HEADERS:
                headers.add(name, value)
    if "Content-Type" not in headers:
        mimetype = response.mimetype
        is_text = mimetype.startswith("text/")
        headers["Content-Type"] = f"{mimetype}; charset={response.charset}" if is_text else mimetype
    return _response(response.status_code, response.get_body() or b"", headers)


def _response(status: int, body: bytes, headers: CIMultiDict[str]) -> web.Response:
    """Refuse what would break the connection, for clients do not end a request at 1xx."""
    if not _FIRST_STATUS <= status <= _LAST_STATUS:
        raise ValueError(f"{status} is not a status from {_FIRST_STATUS} to {_LAST_STATUS}")
    for name, value in headers.items():
        if not _is_sendable(name, value):
            raise ValueError(f"a header cannot be sent: {name!r}: {value!r}")
    return web.Response(status=status, body=body, headers=headers)


@lru_cache(_HEADERS_KEPT)
def _is_sendable(name: str, value: str) -> bool:
    return bool(_HEADER_NAME.fullmatch(name)) and not _LINE_END.search(value)


def _description(text: str) -> web.Response | None:
    """The response that a JSON object with a `body` describes, or None when the text is no such object."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        described = parse_json(text)
    except ValueError:
        return None
    if "body" not in described:
        return None
    body = described["body"]
    content = body if isinstance(body, str) else json.dumps(body)
    headers = CIMultiDict({str(name): str(value) for name, value in (described.get("headers") or {}).items()})
    headers.setdefault("Content-Type", _PLAIN_TEXT if isinstance(body, str) else "application/json; charset=utf-8")
    status = int(described.get("statusCode", described.get("status", 200)))
    return _response(status, content.encode(), headers)
