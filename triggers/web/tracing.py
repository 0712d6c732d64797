"""Correlation: the ids that tie a request to everything it sets off."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from ulid import ULID

_CORRELATION_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class Tracing:
    """The ids of one request: the caller's if they are well-formed, else new ones."""

    correlation_id: str
    traceparent: str

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Tracing:
        """Take over or make both ids."""
        correlation_id = headers.get("x-correlation-id", "")
        traceparent = headers.get("traceparent", "")
        return cls(
            correlation_id if _CORRELATION_ID.fullmatch(correlation_id) else str(ULID()),
            traceparent if _TRACEPARENT.fullmatch(traceparent) else _new_traceparent(),
        )

    @property
    def headers(self) -> dict[str, str]:
        """Both ids as they go back to the caller."""
        return {"x-correlation-id": self.correlation_id, "traceparent": self.traceparent}


def _new_traceparent() -> str:
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"
