"""What the service refuses, and with which status, code and sub-status it says so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

CODES: Mapping[int, str] = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    408: "RequestTimeout",
    409: "Conflict",
    410: "Gone",
    412: "PreconditionFailed",
    413: "RequestEntityTooLarge",
    423: "Locked",
    424: "FailedDependency",
    429: "TooManyRequests",
    449: "RetryWith",
    500: "InternalServerError",
    503: "ServiceUnavailable",
}


class ServiceError(Exception):
    """A refusal that the client sees: an HTTP status, perhaps a sub-status, and a message.

    `details` are further members of the error body.
    """

    status: ClassVar[int]

    def __init__(
        self,
        message: str,
        *,
        substatus: int = 0,
        headers: Mapping[str, str] | None = None,
        details: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.substatus = substatus
        self.headers = dict(headers or {})
        self.details = dict(details or {})


class BadRequest(ServiceError):
    """400: the caller must change the request. 1001: partition key, 1024: the container was recreated."""

    status = 400


class Unauthorized(ServiceError):
    """401: signature or token do not hold."""

    status = 401


class NotFound(ServiceError):
    """404. Sub-status 1003: not the item but its database or container is missing."""

    status = 404


class MethodNotAllowed(ServiceError):
    """405: the path exists, the method does not."""

    status = 405


class Conflict(ServiceError):
    """409: the id, the name or a unique value is taken."""

    status = 409


class Gone(ServiceError):
    """410. Sub-status 1002: no such partition key range."""

    status = 410


class PreconditionFailed(ServiceError):
    """412: the ETag moved. Sub-status 1110: the condition of a patch is false."""

    status = 412


class TooLarge(ServiceError):
    """413: more than 2 MB."""

    status = 413


class TooManyRequests(ServiceError):
    """429, sub-status 3200: the request units of this second are used up."""

    status = 429


PARTITION_KEY_MISMATCH = 1001
QUERY_PLAN_NEEDED = 1004
CONTAINER_RECREATED = 1024
PARENT_MISSING = 1003
RANGE_UNKNOWN = 1002
SESSION_AHEAD = 1002
CONDITION_FALSE = 1110
BUDGET_USED_UP = 3200
