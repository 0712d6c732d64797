"""`POST /v1/dead-letters/{letterId}/replay`."""

from __future__ import annotations

from triggers.second_chances import letter_of, replay
from triggers.web.answers import Answer
from triggers.web.call import Call


async def replay_dead_letter(call: Call) -> Answer:
    """Give what failed a second chance. The letter keeps who asked for it, when, and what came of it."""
    return await replay(call, await letter_of(call))
