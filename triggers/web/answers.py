"""What a handler gives back, and how it becomes an HTTP response."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

import azure.functions as func

from domain.shapes import JsonObject, Model

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, a JSON body (or none) and headers."""

    status: int
    body: Model | JsonObject | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = JSON

    def response(self, headers: Mapping[str, str]) -> func.HttpResponse:
        """The same for the host, with these headers added."""
        body = self.body.to_json() if isinstance(self.body, Model) else self.body
        return func.HttpResponse(
            None if body is None else f"{json.dumps(body, ensure_ascii=False)}\n",
            status_code=self.status,
            headers={**headers, **self.headers},
            mimetype=self.media_type,
        )


def representation(
    body: Model | JsonObject, etag: str, if_none_match: str | None, *, cache: str = "no-cache"
) -> Answer:
    """A record as it is now; only its ETag when the caller has this version already."""
    headers = {"ETag": etag, "Cache-Control": cache}
    known = {tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")}
    if etag in known or "*" in known:
        return Answer(304, headers=headers)
    return Answer(200, body, headers)
