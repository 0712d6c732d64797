"""Throughput as callers state it: in headers when a resource is created, in a document when it is changed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from localazure.cosmos.errors import BadRequest
from localazure.cosmos.jsontext import parse_object

MANUAL = "x-ms-offer-throughput"
AUTOSCALE = "x-ms-cosmos-offer-autopilot-settings"
RU_PER_RANGE = 10_000
MAX_RANGES = 100
MAX_DIGITS = 18


def from_headers(headers: Mapping[str, str]) -> dict[str, Any] | None:
    """The `content` of the offer that a create asks for; None when it asks for none. Raises BadRequest."""
    if AUTOSCALE in headers:
        return _autoscale(parse_object(headers[AUTOSCALE].encode()))
    if MANUAL in headers:
        text = headers[MANUAL]
        return {"offerThroughput": _checked(int(text) if text.isdecimal() and len(text) <= MAX_DIGITS else text)}
    return None


def from_document(offer: Mapping[str, Any]) -> dict[str, Any]:
    """The `content` of an offer that a client sends back. Raises BadRequest."""
    content = offer.get("content")
    if not isinstance(content, Mapping):
        raise BadRequest("The offer has no content.")
    settings = content.get("offerAutopilotSettings")
    if isinstance(settings, Mapping):
        return _autoscale(settings)
    return {"offerThroughput": _checked(content.get("offerThroughput"))}


def range_count(content: Mapping[str, Any]) -> int:
    """How many physical partitions an offer of this content needs from the start."""
    maximum: int = content.get("offerAutopilotSettings", {}).get("maxThroughput", content["offerThroughput"])
    return min(math.ceil(maximum / RU_PER_RANGE), MAX_RANGES)


def _autoscale(settings: Mapping[str, Any]) -> dict[str, Any]:
    maximum = _checked(settings.get("maxThroughput"))
    return {"offerThroughput": max(maximum // 10, 1), "offerAutopilotSettings": {"maxThroughput": maximum}}


def _checked(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise BadRequest(f"The throughput {value!r} is not a number of request units per second.")
    return value
