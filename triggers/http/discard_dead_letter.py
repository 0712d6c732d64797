"""`DELETE /v1/dead-letters/{letterId}`."""

from __future__ import annotations

from datetime import UTC, datetime

from adapters import attention
from adapters.dead_letters import Handling, LetterStatus, Outcome
from adapters.durable import is_under_way
from domain.errors import Conflict
from triggers.second_chances import letter_of, open_again, refuse_unless_open
from triggers.web.answers import Answer
from triggers.web.call import Call


async def discard_dead_letter(call: Call) -> Answer:
    """Decide that what failed need not be done; the letter stays on record. Doing it again changes nothing."""
    letter = await letter_of(call)
    if letter.instance_id and await is_under_way(call.client, letter.instance_id):
        raise Conflict(
            f"workflow {letter.instance_id} waits for {letter.source}: put right what it fails of (it may be done by "
            "hand) and replay the letter; or terminate the workflow, then discard the letter"
        )
    letter = await open_again(call, letter)
    if letter.status is not LetterStatus.DISCARDED:
        refuse_unless_open(letter)
    handling = Handling(
        at=datetime.now(UTC), actor=call.caller.subject, outcome=Outcome.DISCARDED, detail=call.query("reason")
    )
    return Answer(200, await attention.settle(call.tenant_id, letter.letter_id, handling, call.correlation_id))
