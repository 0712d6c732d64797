"""`GET /v1/dead-letters`."""

from __future__ import annotations

from adapters import dead_letters
from triggers.web.answers import Answer
from triggers.web.call import Call

MOST = 200


async def list_dead_letters(call: Call) -> Answer:
    """List what could not be processed, newest first."""
    letters = await dead_letters.find_all(call.tenant_id, MOST)
    return Answer(200, {"items": [letter.to_json() for letter in letters]})
