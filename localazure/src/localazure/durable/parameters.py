"""Query parameters and bodies of management requests."""

from __future__ import annotations

import base64
import json
from datetime import datetime

from aiohttp import web
from multidict import MultiMapping

from localazure.durable.errors import InvalidRequest
from localazure.durable.events import parse_time
from localazure.durable.status import RuntimeStatus


class Parameters:
    """A query string. Names ignore case; values that cannot be parsed count as absent."""

    def __init__(self, query: MultiMapping[str]) -> None:
        self._values: dict[str, list[str]] = {}
        for name, value in query.items():
            self._values.setdefault(name.lower(), []).append(value)

    def text(self, name: str, default: str = "") -> str:
        return self._values.get(name.lower(), [default])[0]

    def flag(self, name: str, *, default: bool = False) -> bool:
        return {"true": True, "false": False}.get(self.text(name).lower(), default)

    def seconds(self, name: str) -> float | None:
        try:
            value = float(self.text(name))
        except ValueError:
            return None
        return value if 0 <= value < float("inf") else None

    def count(self, name: str) -> int | None:
        text = self.text(name)
        return int(text) if text.isdecimal() and int(text) > 0 else None

    def time(self, name: str) -> datetime | None:
        try:
            return parse_time(self.text(name).replace(" ", "+"))
        except ValueError:
            return None

    def statuses(self, name: str) -> frozenset[RuntimeStatus]:
        """A list with commas, or repeated; unknown names are ignored."""
        names = {part.strip().lower() for value in self._values.get(name.lower(), []) for part in value.split(",")}
        return frozenset(status for status in RuntimeStatus if status.lower() in names)


async def json_text(request: web.Request) -> str | None:
    """The body, which is JSON text, or None when there is none. Raises InvalidRequest."""
    text = await request.text()
    if not text.strip():
        return None
    try:
        json.loads(text)
    except ValueError as invalid:
        raise InvalidRequest("Invalid JSON content") from invalid
    return text


def page_token(*position: str) -> str:
    """The continuation token for what comes behind `position`."""
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode()


def page_position(token: str) -> list[str]:
    """The inverse of `page_token`. Raises InvalidRequest."""
    try:
        position = json.loads(base64.urlsafe_b64decode(token))
    except ValueError as invalid:
        raise InvalidRequest("The continuation token is not one of this task hub.") from invalid
    return [str(each) for each in position]
