"""The kinds of errors, by who can act on them.

| kind            | who acts                          | HTTP |
|-----------------|-----------------------------------|------|
| Invalid         | the caller                        | 400  |
| Unauthenticated | the caller, with a better token   | 401  |
| Forbidden       | the caller's administrator        | 403  |
| NotFound        | the caller                        | 404  |
| Rejected        | the caller; a saga compensates    | 409  |
| Conflict        | reload and try again, three times | 409  |
| Gone            | nobody: it has already ended      | 410  |
| ConditionFailed | the caller, with a fresh ETag     | 412  |
| Unconditional   | the caller, with an If-Match      | 428  |
| TooLarge        | the caller                        | 413  |
| WrongMediaType  | the caller                        | 415  |
| Transient       | the retry policy                  | 503  |
| Defect          | us: stop and alert                | 500  |

Across an activity's border an exception becomes text, so activities return what is expected (`Rejected`) as data and
raise only `Transient` and `Defect`.
"""

from __future__ import annotations

from dataclasses import dataclass


class WaybillError(Exception):
    """Anything this app raises on purpose. The text is for people and holds no secret."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with a request: where (a JSON pointer into the body, or a parameter's name) and what."""

    pointer: str
    detail: str


class Invalid(WaybillError):
    """The request cannot be understood or breaks a rule that needs no state to check."""

    def __init__(self, detail: str, errors: tuple[FieldError, ...] = ()) -> None:
        super().__init__(detail)
        self.errors = errors


class Unauthenticated(WaybillError):
    """No bearer token, or one that proves nothing."""


class Forbidden(WaybillError):
    """The caller is known, and lacks the role."""


class NotFound(WaybillError):
    """There is no such record for this tenant."""


class Rejected(WaybillError):
    """Understood and refused by a rule of the business, such as too little stock."""


class Conflict(WaybillError):
    """Somebody else changed the record first, or it exists already."""


class Gone(WaybillError):
    """What should be changed has ended already."""


class ConditionFailed(WaybillError):
    """The caller's If-Match does not hold, or the record is not in the state that the request is for."""


class Unconditional(WaybillError):
    """The request would overwrite what the caller may not have seen: it must say which version it changes."""


class TooLarge(WaybillError):
    """The body is larger than this route takes."""


class WrongMediaType(WaybillError):
    """The body is not of the type this route takes."""


class Transient(WaybillError):
    """A dependency does not answer or is overloaded: the same call may succeed in `retry_after_s` seconds."""

    def __init__(self, detail: str, retry_after_s: int = 1) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class Defect(WaybillError):
    """Something that cannot be true is true. Trying again does not help."""
