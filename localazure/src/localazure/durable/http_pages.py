"""Lists of the management API, page by page: how long a page is, where the next one begins."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from aiohttp import web

from localazure.durable.errors import InvalidRequest
from localazure.durable.http_answers import json_answer
from localazure.durable.parameters import Parameters

PAGE = 100
PAGE_HEADER = "x-ms-continuation-token"

T = TypeVar("T")


def page_size(query: Parameters, *, is_rpc: bool) -> int | None:
    """How many to show; None for all: the SDK's client does not page."""
    return query.count("top") or (None if is_rpc else PAGE)


def page(
    found: Sequence[T], top: int | None, position: Callable[[T], tuple[str, ...]], view: Callable[[T], Any]
) -> web.Response:
    """The answer for a list that was asked for one more than `top`: that one tells whether there is another page."""
    shown = found[:top]
    has_more = len(found) > len(shown)
    following = _token(position(shown[-1])) if has_more else ""
    return json_answer([view(each) for each in shown], headers={PAGE_HEADER: following})


def page_position(token: str, parts: int) -> list[str]:
    """The position, of so many parts, behind which the page begins. Raises InvalidRequest."""
    try:
        position = json.loads(base64.urlsafe_b64decode(token))
    except ValueError:
        position = None
    if not isinstance(position, list) or [type(part) for part in position] != [str] * parts:
        raise InvalidRequest("The continuation token is not one of this list.")
    return position


def _token(position: tuple[str, ...]) -> str:
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode()
