"""Errors in a query's text or parameters, in the form in which Cosmos reports them."""

from __future__ import annotations

import json
from typing import Final

SYNTAX: Final = "SC1001"
UNRESOLVED: Final = "SC2001"
UNKNOWN_FUNCTION: Final = "SC2005"
STAR_WITH_GROUP_BY: Final = "SC2041"
ARGUMENT_COUNT: Final = "SC2050"
BAD_BOUND: Final = "SC2061"
MISPLACED_AGGREGATE: Final = "SC2101"
NOT_GROUPED: Final = "SC2102"
UNSUPPORTED_FEATURE: Final = "SC3000"  # ours: the service names the feature in its message and has no such code


class QueryError(Exception):
    """A query that cannot be answered; `start` and `end` are character positions in its text."""

    def __init__(self, code: str, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.start = start
        self.end = end

    def to_message(self) -> str:
        """The `message` member of the 400 answer: `Message: ` and a JSON list of one error."""
        error = {
            "severity": "Error",
            "location": {"start": self.start, "end": self.end},
            "code": self.code,
            "message": self.message,
        }
        return "Message: " + json.dumps({"errors": [error]}, separators=(",", ":"), ensure_ascii=False)


def undeclared_parameter(name: str, span: tuple[int, int]) -> QueryError:
    """The error for a parameter in the text that the request does not bring."""
    return QueryError(UNRESOLVED, f"The parameter '{name}' is not declared.", *span)
