"""Paths that take hours or days, recorded in a task hub whose clock is set forward.

The orchestrators are the app's own; activities are stand-ins, as real ones would ask a database of another time.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from localazure.testing import Hub

from domain import names
from domain.tenants import TenantSettings, WhenShort
from tests.unit.conftest import ORDER, PRICED
from tests.unit.sagas import DOWN, FULFIL, HELD, PARCEL, Run, play

RETURN = names.return_instance_id("acme", "o-42", "o-42-r1")
PARCEL_GIVEN = {**ORDER, "shipment_id": "o-42-1", "silent_days": 7}
RETURN_GIVEN = {
    **ORDER,
    "return_id": "o-42-r1",
    "days": 30,
    "refund_minor": 2500,
    "lines": [{"sku": "TEA", "quantity": 2}],
    "payment": HELD,
}
LETTER = f"{FULFIL}:publish_outcome"
REPLAYED = names.replay_instance_id("acme", "o-42", LETTER, 2)
CAPTURE = {**ORDER, "shipment_id": "o-42-1", "idempotency_key": f"{PARCEL}:capture_payment", "amount_minor": 5550}
REPLAY_GIVEN = {
    **ORDER,
    "letter_id": LETTER,
    "actor": "admin-1",
    "step": "publish_outcome",
    "payload": {**ORDER, "status": "delivered"},
    "attempt": 2,
}
CAPTURE_GIVEN = {**REPLAY_GIVEN, "step": "capture_payment", "payload": {**CAPTURE, "payment": HELD}}
REFUSED = {"outcome": "refused", "detail": "charge_expired_for_capture"}
ASKS = TenantSettings.model_validate({"whenShort": WhenShort.ASK})
ASKING = {**PRICED, "settings": ASKS.model_dump(mode="json", exclude={"risk"})}


class Slow(NamedTuple):
    """Which orchestrator is started, with what, what its activities answer, and what happens before it ends."""

    orchestrator: str
    given: dict[str, Any]
    instance_id: str
    answers: dict[str, Any]
    then: Callable[[Run], None] = lambda _: None


def stay_silent_twice(parcel: Run) -> None:
    parcel.hub.advance(days=15)
    for word in ("shipped", "delivered"):
        parcel.tell(word, {"actor": "carrier-1"})


PATHS = {
    "rejected_approval_timed_out": Slow(
        names.FULFIL_ORDER, ORDER, FULFIL, {"assess_risk": {"verdict": "review", "findings": ["goes to XX"]}}
    ),
    "rejected_shortage_unanswered": Slow(
        names.FULFIL_ORDER,
        ORDER,
        FULFIL,
        {"price_order": ASKING, "reserve_stock": {"outcome": "reserved_in_part", "quantity": 1}},
    ),
    "delivered_after_silence": Slow(names.SHIP_PARCEL, PARCEL_GIVEN, PARCEL, {}, stay_silent_twice),
    "done": Slow(names.REPLAY_STEP, REPLAY_GIVEN, REPLAYED, {}),
    "failed": Slow(names.REPLAY_STEP, REPLAY_GIVEN, REPLAYED, {"publish_outcome": DOWN}),
    "captured": Slow(names.REPLAY_STEP, CAPTURE_GIVEN, REPLAYED, {}),
    "refused": Slow(names.REPLAY_STEP, CAPTURE_GIVEN, REPLAYED, {"capture_payment": REFUSED}),
    "expired": Slow(names.RETURN_ORDER, RETURN_GIVEN, RETURN, {}),
}


def record(name: str, folder: Path) -> None:
    """Play one path and write its history, which says in its name that it was recorded by the clock."""
    path = PATHS[name]
    with ExitStack() as stack:

        def task_hub(**options: Any) -> Hub:
            return stack.enter_context(Hub(**options))

        version = names.version_to_start(path.orchestrator)
        run = play(task_hub, version, path.given, path.instance_id, seconds=60, **path.answers)
        path.then(run)
        run.end()
        run.instance.record(folder / f"{version}.{name}_by_clock.json")
