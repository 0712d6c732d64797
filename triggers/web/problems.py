"""Errors as problem details (RFC 9457): the one place where an error becomes a status and a text.

`type` is stable and made for programs; `detail` is made for people. What we did not raise on purpose says nothing
about our insides: it is in the log, under the correlation id.
"""

from __future__ import annotations

from typing import NamedTuple

from domain import errors
from domain.shapes import JsonObject
from triggers.web.answers import Answer

MEDIA_TYPE = "application/problem+json"
REALM = "waybill"


class Kind(NamedTuple):
    """How one kind of error is told."""

    status: int
    slug: str
    title: str


KINDS: dict[type[BaseException], Kind] = {
    errors.Invalid: Kind(400, "invalid", "The request is not valid"),
    errors.Unauthenticated: Kind(401, "unauthenticated", "A valid bearer token is needed"),
    errors.Forbidden: Kind(403, "forbidden", "The caller lacks the role"),
    errors.NotFound: Kind(404, "not-found", "There is no such record"),
    errors.Rejected: Kind(409, "rejected", "The state of the record forbids it"),
    errors.Conflict: Kind(409, "conflict", "The request conflicts with another one"),
    errors.Gone: Kind(410, "gone", "It has already ended"),
    errors.ConditionFailed: Kind(412, "condition-failed", "A condition of the request does not hold"),
    errors.TooLarge: Kind(413, "too-large", "The body is too large"),
    errors.WrongMediaType: Kind(415, "wrong-media-type", "The body is not of the right type"),
    errors.Unconditional: Kind(428, "unconditional", "The request must be conditional"),
    errors.Transient: Kind(503, "unavailable", "A service we need does not answer"),
}
DEFECT = Kind(500, "defect", "Something went wrong on our side")


def problem(error: BaseException, path: str) -> Answer:
    """The problem document for an error of the request to `path`."""
    kind = next((KINDS[cls] for cls in type(error).__mro__ if cls in KINDS), DEFECT)
    body: JsonObject = {
        "type": f"urn:waybill:problem:{kind.slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": _detail(error, kind),
        "instance": path,
    }
    if isinstance(error, errors.Invalid) and error.errors:
        body["errors"] = [{"pointer": found.pointer, "detail": found.detail} for found in error.errors]
    return Answer(kind.status, body, _headers(error), MEDIA_TYPE)


def _detail(error: BaseException, kind: Kind) -> str:
    if kind is DEFECT:
        return kind.title
    if isinstance(error, errors.Transient):  # which service and how it answered is in the log
        return f"try again in {error.retry_after_s} s, with the same Idempotency-Key if there was one"
    return str(error)


def _headers(error: BaseException) -> dict[str, str]:
    if isinstance(error, errors.Transient):
        return {"Retry-After": str(error.retry_after_s)}
    if isinstance(error, errors.Unauthenticated):
        description = str(error).replace('"', "'")
        return {"WWW-Authenticate": f'Bearer realm="{REALM}", error="invalid_token", error_description="{description}"'}
    return {}
