"""`GET /health/live`."""

from __future__ import annotations

from triggers.web.answers import Answer
from triggers.web.call import Call


async def health_live(call: Call) -> Answer:  # noqa: ARG001  # every handler takes the call
    """Say that the process answers."""
    return Answer(200, {"status": "up"})
