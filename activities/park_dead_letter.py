"""Activity `park_dead_letter`."""

from __future__ import annotations

from adapters import dead_letters
from adapters.dead_letters import DeadLetter
from domain.names import idempotency_key
from domain.shapes import JsonObject, LetterStep


class ParkDeadLetter(LetterStep):
    """The step that kept failing, what it was told, what it said last, and whether its workflow waits for a replay."""

    instance_id: str
    step: str
    subject: str | None = None
    payload: JsonObject
    fault: str
    awaited: bool = False


async def park_dead_letter(payload: JsonObject) -> JsonObject:
    """Keep a step that failed for good, so that a person can look at it and give it a second chance.

    In      {"tenant_id", "order_id"?, "correlation_id": str, "at": ISO 8601, "instance_id": str,
             "step": activity, "subject"?: str, "payload": that activity's input, "fault": str,
             "awaited"?: bool}
    Out     {"outcome": "parked", "letter_id": str}
    Raises  Transient: 5 attempts, 2 s apart
    Twice   the id is made from instance, step and subject: the second run finds the letter kept
    """
    step = ParkDeadLetter.model_validate(payload)
    letter_id = idempotency_key(step.instance_id, step.step)
    letter = DeadLetter(
        letter_id=f"{letter_id}:{step.subject}" if step.subject else letter_id,
        source=step.step,
        order_id=step.order_id,
        instance_id=step.instance_id if step.awaited else None,
        payload=step.payload,
        reason=step.fault.partition("\n")[0].strip(),
        correlation_id=step.correlation_id,
        at=step.at,
    )
    await dead_letters.park(step.tenant_id, letter)
    return {"outcome": "parked", "letter_id": letter.letter_id}
