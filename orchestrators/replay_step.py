"""Orchestrator `replay_step`: a step that was parked as a dead letter, and that no workflow waits for, is run again."""

from __future__ import annotations

from typing import Any

import azure.durable_functions as df

from domain import names
from domain.payments import MovementKind
from domain.shapes import JsonObject
from orchestrators.saga import Saga, Steps

REFUSED = "refused"
MOVES = {names.CAPTURE_PAYMENT: MovementKind.CAPTURE, names.REFUND_PAYMENT: MovementKind.REFUND}
"""Steps that move money. Nobody may give up on them before it is known whether it has moved."""


def replay_step(context: df.DurableOrchestrationContext) -> Steps[JsonObject]:
    """Run the step with what it was told then; its letter keeps what came of it.

    Steps
    1  the step itself; one that moves money is insisted on for a day
    2  record_movement, if money has moved
    3  settle_dead_letter: closed, or open with the reason of today

    Input   {"tenant_id", "order_id", "correlation_id", "letter_id", "actor": str, "step": activity,
             "payload": that activity's input, "attempt": int, the how-many-eth time it is asked for}
    Output  {"outcome": "done" | "failed", "detail": str | None}
    """
    saga = Saga(context)
    given = context.get_input()
    saga.stage("replaying", step=given["step"], attempt=given["attempt"])
    refusal = yield from _run(saga, given)
    outcome = "failed" if refusal else "done"
    yield from saga.outlast(
        names.SETTLE_DEAD_LETTER,
        letter_id=given["letter_id"],
        actor=given["actor"],
        outcome=outcome,
        detail=refusal,
    )
    saga.stage(outcome)
    return {"outcome": outcome, "detail": refusal}


def _run(saga: Saga, given: JsonObject) -> Steps[str | None]:
    """Why the step has failed again, None when it has not. Its letter hears of it: it needs no second one."""
    step, told = given["step"], {**given["payload"], "at": saga.now, "attempt": given["attempt"]}
    try:
        result = yield from saga.patiently(step, **told) if step in MOVES else _tried(saga, step, told)
        if step in MOVES and "movement" in result:
            yield from _note(saga, step, told, result["movement"])
    except Exception as fault:  # noqa: BLE001  # the SDK raises plain Exception for a failed activity
        return str(fault).partition("\n")[0].strip()
    if result.get("outcome") == REFUSED:
        return str(result.get("detail") or f"refused: {result['status']}")
    return None


def _tried(saga: Saga, step: str, told: JsonObject) -> Steps[Any]:
    return (yield saga.step(step, **told))


def _note(saga: Saga, step: str, told: JsonObject, movement: JsonObject) -> Steps[None]:
    """Enter the money that has moved in the order's books. Another attempt finds it moved, and enters it then."""
    moved = {"kind": MOVES[step], "key": told["idempotency_key"], "subject": told.get("subject")}
    parcel = {"subject": told["shipment_id"]} if "shipment_id" in told else {}
    yield from saga.patiently(names.RECORD_MOVEMENT, movement={**movement, **moved, **parcel})
