"""`GET /v1/dead-letters/{letterId}`."""

from __future__ import annotations

from triggers.second_chances import letter_of
from triggers.web.answers import Answer
from triggers.web.call import Call


async def get_dead_letter(call: Call) -> Answer:
    """Read one dead letter, with everything that people did about it."""
    return Answer(200, await letter_of(call))
