"""One HTTP call as a handler sees it: the caller, the typed parts of the request, and the way to the task hub."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, TypeVar

import azure.functions as func
from pydantic import BaseModel, ValidationError

from adapters.durable import DurableClient
from domain.callers import Caller
from domain.errors import Defect, FieldError, Invalid, TooLarge, WrongMediaType
from domain.names import IDENTIFIER
from triggers.web.tracing import Tracing

M = TypeVar("M", bound=BaseModel)

API_PREFIX = "/api"  # routePrefix in host.json
BODY_LIMIT = 1024 * 1024
JSON = "application/json"
MERGE_PATCH = "application/merge-patch+json"

_ORIGIN = re.compile(r"https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?=[/?#]|$)")


@dataclass(frozen=True, slots=True)
class Call:
    """What a handler needs to know. `known_caller` is None on the routes that are open to anyone."""

    request: func.HttpRequest
    client: DurableClient
    tracing: Tracing
    known_caller: Caller | None

    @property
    def caller(self) -> Caller:
        """Who calls. Raises Defect on a route that asks nobody for a token."""
        if self.known_caller is None:
            raise Defect("this route has no caller")
        return self.known_caller

    @property
    def tenant_id(self) -> str:
        """The caller's tenant: the only one whose records this call can reach."""
        return self.caller.tenant_id

    @property
    def correlation_id(self) -> str:
        """The id that ties together everything this call sets off."""
        return self.tracing.correlation_id

    @property
    def api_url(self) -> str:
        """Where the API is, as the caller addressed it."""
        return f"{origin(self.request.url)}{API_PREFIX}"

    def header(self, name: str) -> str | None:
        """A header of the request, or None."""
        value: str | None = self.request.headers.get(name)
        return value

    def query(self, name: str) -> str | None:
        """A query parameter, or None."""
        value: str | None = self.request.params.get(name)
        return value

    def part(self, name: str) -> str:
        """A part of the path, as it came."""
        return str(self.request.route_params[name])

    def identifier(self, name: str) -> str:
        """A part of the path that is an id. Raises Invalid."""
        value = self.part(name)
        if not re.fullmatch(IDENTIFIER, value):
            raise Invalid(f"{name} must match {IDENTIFIER}", (FieldError(name, "is not an id"),))
        return value

    def idempotency_key(self) -> str:
        """The header by which a repeat of this call is known. Raises Invalid."""
        key = (self.header("idempotency-key") or "").strip()
        if not re.fullmatch("[ -~]{1,200}", key):
            raise Invalid("an Idempotency-Key of 1 to 200 printable ASCII characters is required")
        return key

    def body(self, model: type[M], *, empty: M | None = None, media_types: Collection[str] = (JSON,)) -> M:
        """The JSON body; `empty` is what no body at all means.

        Raises TooLarge, WrongMediaType, Invalid with a pointer to each thing that is wrong.
        """
        if empty is not None and not self.request.get_body():
            return empty
        return parsed(model, self.content(media_types))

    def content(self, media_types: Collection[str] = (JSON,)) -> bytes:
        """The JSON body as it came. Raises TooLarge, WrongMediaType."""
        content: bytes = self.request.get_body()
        if len(content) > BODY_LIMIT:
            raise TooLarge(f"the body may have {BODY_LIMIT} bytes, and has {len(content)}")
        if (self.header("content-type") or "").partition(";")[0].strip().lower() not in media_types:
            raise WrongMediaType(f"the body must be {' or '.join(media_types)}")
        return content


def origin(url: str) -> str:
    """Scheme, host and port of a URL. Raises Invalid when the host is none, for it comes from the caller's header."""
    match = _ORIGIN.match(url)
    if match is None:
        raise Invalid("the Host header names no host")
    return match[0]


def parsed(model: type[M], content: str | bytes) -> M:
    """JSON text as a model. Raises Invalid with a pointer to each thing that is wrong."""
    try:
        found = model.model_validate_json(content)
        json.loads(content, object_pairs_hook=_distinct, parse_constant=_finite, parse_float=_finite)
    except ValidationError as failed:
        problems = failed.errors(include_url=False, include_context=False, include_input=False)
        if problems[0]["type"] == "json_invalid":
            raise Invalid(f"the body is not JSON: {problems[0]['msg']}") from failed
        errors = tuple(FieldError(_pointer(error["loc"]), error["msg"]) for error in problems)
        raise Invalid("the body breaks the rules listed in errors", errors) from failed
    except ValueError as failed:
        raise Invalid(f"the body is not JSON that all readers understand alike: {failed}") from failed
    return found


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name in fields:
            raise ValueError(f"the name {name!r} stands twice in one object")
        fields[name] = value
    return fields


def _finite(number: str) -> float:
    if not math.isfinite(value := float(number)):
        raise ValueError(f"{number[:20]} is not a number that can be stored")
    return value


def _pointer(location: tuple[int | str, ...]) -> str:
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in location)
