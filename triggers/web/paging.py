"""Pages of a list: `limit`, an opaque `continuation`, and `Link: rel="next"`."""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from domain.errors import FieldError, Invalid
from domain.names import IDENTIFIER
from domain.shapes import JsonObject, Model
from triggers.web.answers import Answer
from triggers.web.call import Call

_DEFAULT_LIMIT = 50
_MAX_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Page:
    """Which page is asked for: at most `limit` items after the one whose id, or place in the list, is `after`."""

    limit: int
    after: str | None

    @classmethod
    def asked_by(cls, call: Call, pattern: str = IDENTIFIER) -> Page:
        """Read `limit` and `continuation`, which stands for a text of this pattern. Raises Invalid."""
        return cls(_limit(call.query("limit")), _after(call.query("continuation"), pattern))

    def answer(self, call: Call, path: str, items: Sequence[Model], last_id: str | None) -> Answer:
        """The items; with `last_id`, the id of the last one, there is a next page after it."""
        body: JsonObject = {"items": [item.to_json() for item in items]}
        if last_id is None:
            return Answer(200, body)
        continuation = urlsafe_b64encode(last_id.encode()).decode()
        query = urlencode({**call.request.params, "continuation": continuation})
        link = f'<{call.api_url}{path}?{query}>; rel="next"'
        return Answer(200, {**body, "continuation": continuation}, {"Link": link})


def _limit(text: str | None) -> int:
    if text is None:
        return _DEFAULT_LIMIT
    if not re.fullmatch("[0-9]{1,3}", text) or not 1 <= int(text) <= _MAX_LIMIT:
        raise Invalid(f"limit must be 1 to {_MAX_LIMIT}", (FieldError("limit", f"is not 1 to {_MAX_LIMIT}"),))
    return int(text)


def _after(continuation: str | None, pattern: str) -> str | None:
    if continuation is None:
        return None
    try:
        after = urlsafe_b64decode(continuation).decode("ascii")
    except (binascii.Error, ValueError):
        after = ""
    if not re.fullmatch(pattern, after):
        raise Invalid("continuation is none that a list has given", (FieldError("continuation", "is unreadable"),))
    return after
