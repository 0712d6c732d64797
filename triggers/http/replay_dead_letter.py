"""`POST /v1/dead-letters/{letterId}/replay`."""

from __future__ import annotations

from datetime import UTC, datetime

from adapters import dead_letters
from domain.errors import Conflict
from domain.names import REPLAY
from triggers.telling import tell
from triggers.web.answers import Answer
from triggers.web.call import Call


async def replay_dead_letter(call: Call) -> Answer:
    """Give the step that failed a second chance: the workflow that waits for it goes on where it stopped."""
    letter = await dead_letters.get(call.tenant_id, call.part("letterId"))
    if letter.instance_id is None:
        raise Conflict(f"no workflow waits for dead letter {letter.letter_id}: its order went on without it")
    answer = await tell(call, letter.instance_id, REPLAY, {"letterId": letter.letter_id})
    await dead_letters.note_replay(call.tenant_id, letter.letter_id, datetime.now(UTC), call.caller.subject)
    return answer
