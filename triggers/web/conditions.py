"""If-Match: the version of a record that a caller has read and wants to change."""

from __future__ import annotations

from domain.errors import Unconditional
from triggers.web.call import Call


def required_if_match(call: Call) -> str:
    """The header. Raises Unconditional without one."""
    header = (call.header("if-match") or "").strip()
    if not header:
        raise Unconditional("an If-Match header with the ETag that was read is required; `*` takes any version")
    return header


def if_match(header: str, etag: str) -> bool:
    """Whether the header names this version. Weak tags never match, as RFC 9110 says."""
    return header == "*" or etag in {tag.strip() for tag in header.split(",")}
