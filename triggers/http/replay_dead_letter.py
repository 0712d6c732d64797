"""`POST /v1/dead-letters/{letterId}/replay`."""

from __future__ import annotations

from adapters import dead_letters
from triggers import second_chances
from triggers.web.answers import Answer
from triggers.web.call import Call


async def replay_dead_letter(call: Call) -> Answer:
    """Give what failed a second chance. The letter keeps who asked for it, when, and what came of it."""
    letter = await dead_letters.get(call.tenant_id, call.part("letterId"))
    return await second_chances.replay(call, letter)
