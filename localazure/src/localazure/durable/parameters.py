"""Query parameters and bodies of management requests."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime

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
        """A plus sign may have been decoded as a space; so may the separator of date and time."""
        text = self.text(name)
        for candidate in (text, text.replace(" ", "+")):
            with suppress(ValueError, OverflowError):
                return parse_time(candidate).astimezone(UTC)
        return None

    def statuses(self, name: str) -> frozenset[RuntimeStatus]:
        """A list with commas, or repeated; unknown names are ignored."""
        names = {part.strip().lower() for value in self._values.get(name.lower(), []) for part in value.split(",")}
        return frozenset(status for status in RuntimeStatus if status.lower() in names)


async def json_text(request: web.Request) -> str | None:
    """The body, which is JSON text in UTF-8, or None when there is none. Raises InvalidRequest."""
    try:
        text = (await request.read()).decode("utf-8-sig")
        if not text.strip():
            return None
        json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as invalid:
        raise InvalidRequest("Invalid JSON content") from invalid
    return text


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
