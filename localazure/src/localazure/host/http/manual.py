"""An HTTP function run by hand: its input describes a request, or is the body of a POST."""

from __future__ import annotations

import json
from typing import Any

from localazure.host.functions import HostedFunction
from localazure.host.http.messages import http_datum
from localazure.host.invocation import MANUAL_REASON, TriggerCall
from localazure.host.json_input import parse_json


def http_call(_: HostedFunction, text: str) -> TriggerCall:
    """`text` is a body, or a JSON object with any of `method`, `headers`, `query`, `body`."""
    request = _description(text)
    body = request.get("body", "")
    content = body if isinstance(body, str) else json.dumps(body)
    datum = http_datum(
        str(request.get("method", "POST")),
        "http://localhost/",
        headers={str(name).lower(): str(value) for name, value in (request.get("headers") or {}).items()},
        body=content.encode(),
        query={str(name): str(value) for name, value in (request.get("query") or {}).items()},
        route_values={},
    )
    return TriggerCall(datum, MANUAL_REASON)


def _description(text: str) -> dict[str, Any]:
    try:
        content = parse_json(text)
    except ValueError:
        return {"body": text}
    is_description = isinstance(content, dict) and content and content.keys() <= {"method", "headers", "query", "body"}
    return content if is_description else {"body": text}
