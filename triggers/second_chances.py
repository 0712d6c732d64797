"""Giving a dead letter its second chance: the use case behind `POST /v1/dead-letters/{letterId}/replay`.

| letter                          | what is done                                                                      |
|---------------------------------|-----------------------------------------------------------------------------------|
| a workflow waits for its step   | the workflow is told, and runs the step itself; so are its other letters replayed |
| of a step nobody waits for      | `replay_step` runs the activity again                                             |
| an event of the provider        | it is judged again, by how things stand today                                     |
| a document of a change feed     | it is read and handled again                                                      |

All of that is safe to do twice, so two people who ask at once do it once. What came of it is noted afterwards: after a
crash in between the letter is open, and may be replayed again.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

from adapters import attention, dead_letters
from adapters.dead_letters import DeadLetter, Handling, LetterStatus, Outcome
from adapters.durable import is_under_way, start_replay, was_cut_off
from domain import names
from domain.errors import Conflict, NotFound, Rejected, Transient
from domain.payment_news import PaymentNews
from domain.shapes import utc_text
from triggers import payment_news
from triggers.change_feed.each_document import Handle
from triggers.change_feed.follow_users import follow
from triggers.change_feed.project_orders import project
from triggers.change_feed.start_unstarted_orders import start
from triggers.telling import accepted, tell
from triggers.web.answers import Answer
from triggers.web.call import Call

FOLLOWERS: dict[str, Handle] = {
    "follow_users": follow,
    "project_orders": project,
    "start_unstarted_orders": start,
}
_MOST = 200
_LETTER_ID = rf"(?:{names.IDENTIFIER}:)*{names.IDENTIFIER}"


async def letter_of(call: Call) -> DeadLetter:
    """The letter that the path names. Raises NotFound, Transient."""
    letter_id = call.part("letterId")
    if not re.fullmatch(_LETTER_ID, letter_id):
        raise NotFound(f"there is no dead letter {letter_id}")
    return await dead_letters.get(call.tenant_id, letter_id)


async def replay(call: Call, letter: DeadLetter) -> Answer:
    """Do again what has failed: 202 with the workflow that does it, or 200 with the letter once it is done.

    Raises Conflict when somebody has seen to the letter, Rejected when it fails again or there is nothing to do again.
    """
    if letter.instance_id and await is_under_way(call.client, letter.instance_id):
        return await _wake(call, letter, letter.instance_id)
    letter = await open_again(call, letter)
    refuse_unless_open(letter)
    if letter.source in names.ACTIVITIES and letter.order_id:
        return await _run_again(call, letter, letter.order_id)
    if letter.source == payment_news.SOURCE:
        return await _try(call, letter, _judge)
    if letter.source in FOLLOWERS:
        return await _try(call, letter, _handle)
    raise Rejected(
        f"dead letter {letter.letter_id} of {letter.source} has no step to run again ({letter.reason}): "
        f"{_what_to_do(letter)}, and discard the letter"
    )


def _what_to_do(letter: DeadLetter) -> str:
    if letter.order_id:
        return "everything is undone; place the order anew if it is still wanted"
    return f"workflow {letter.instance_id} has ended; ask for the same anew if it is still wanted"


async def open_again(call: Call, letter: DeadLetter) -> DeadLetter:
    """The letter, open when its workflow was told of it and ended before anybody knows what came of that."""
    was_told = not letter.is_open and letter.handled[-1].outcome is Outcome.TOLD
    if not (was_told and letter.instance_id and await was_cut_off(call.client, letter.instance_id)):
        return letter
    again = letter.model_copy(update={"at": datetime.now(UTC)})
    return await dead_letters.change(call.tenant_id, letter.letter_id, lambda kept: kept.reopened(again))


def refuse_unless_open(letter: DeadLetter) -> None:
    """Raises Conflict, which says who has seen to the letter."""
    if not letter.is_open:
        last = letter.handled[-1]
        raise Conflict(f"dead letter {letter.letter_id} was {letter.status} by {last.actor} at {utc_text(last.at)}")


async def _wake(call: Call, letter: DeadLetter, instance_id: str) -> Answer:
    """The workflow runs all of its steps that are stuck, so all of its letters are replayed."""
    at = datetime.now(UTC)
    opened = await _opened_with(call.tenant_id, letter)
    answer = await tell(call, instance_id, names.REPLAY, {"letterId": letter.letter_id})
    for each in opened:
        if each.instance_id == instance_id:
            await dead_letters.note(call.tenant_id, each, Outcome.TOLD, at, call.caller.subject)
    return answer


async def _opened_with(tenant_id: str, letter: DeadLetter) -> list[DeadLetter]:
    """The open letters of the same order. What is not about an order waits for one step at a time."""
    if letter.order_id is None:
        return [letter]
    return await dead_letters.find_all(tenant_id, _MOST, status=LetterStatus.OPEN, order_id=letter.order_id)


async def _run_again(call: Call, letter: DeadLetter, order_id: str) -> Answer:
    told = {
        "tenant_id": call.tenant_id,
        "order_id": order_id,
        "correlation_id": letter.correlation_id or call.correlation_id,
        "letter_id": letter.letter_id,
        "actor": call.caller.subject,
        "step": letter.source,
        "payload": letter.payload,
        "attempt": letter.attempts + 1,
    }
    return accepted(call, await start_replay(call.client, told))


async def _try(call: Call, letter: DeadLetter, again: Callable[[Call, DeadLetter], Awaitable[str | None]]) -> Answer:
    """Do it here and now. `again` gives the reason when it has failed again."""
    refusal = await again(call, letter)
    handling = Handling(
        at=datetime.now(UTC),
        actor=call.caller.subject,
        outcome=Outcome.FAILED if refusal else Outcome.DONE,
        detail=refusal,
    )
    after = await attention.settle(call.tenant_id, letter.letter_id, handling, call.correlation_id)
    if refusal:
        raise Rejected(
            f"dead letter {letter.letter_id} has failed again: {refusal}; put that right and replay it, or discard it"
        )
    return Answer(200, after)


async def _judge(call: Call, letter: DeadLetter) -> str | None:
    news = PaymentNews.model_validate(letter.payload)
    taken = await payment_news.take(call.client, news, call.correlation_id, again=True)
    return letter.reason if taken is payment_news.Taken.FLAGGED else None


async def _handle(call: Call, letter: DeadLetter) -> str | None:
    document = await dead_letters.document_of(call.tenant_id, letter)
    if document is None:
        return None
    try:
        await FOLLOWERS[letter.source](call.client, document)
    except Transient:
        raise
    except Exception as error:  # noqa: BLE001  # as in `each_document`: whatever is wrong with it is the letter's reason
        return f"{type(error).__name__}: {error}"
    return None
