"""Activity `settle_dead_letter`."""

from __future__ import annotations

from adapters import attention
from adapters.dead_letters import Handling, Outcome
from domain.shapes import JsonObject, LetterStep


class SettleDeadLetter(LetterStep):
    """Which letter was given a second chance, by whom, and what came of it."""

    letter_id: str
    actor: str
    outcome: Outcome
    detail: str | None = None


async def settle_dead_letter(payload: JsonObject) -> JsonObject:
    """Note in a dead letter how its step has ended; an order without open letters needs no attention any more.

    In      {"tenant_id", "order_id"?, "correlation_id": str, "at": ISO 8601, "letter_id", "actor": str,
             "outcome": "done" | "failed", "detail"?: str, why it has failed}
    Out     {"outcome": "settled", "status": the letter's}
    Raises  NotFound; Transient: insisted on
    Twice   a letter that knows of this already stays as it is
    """
    step = SettleDeadLetter.model_validate(payload)
    handling = Handling(at=step.at, actor=step.actor, outcome=step.outcome, detail=step.detail)
    letter = await attention.settle(step.tenant_id, step.letter_id, handling, step.correlation_id)
    return {"outcome": "settled", "status": letter.status}
