"""Paths that take hours or days, or much trouble, recorded in a task hub whose clock is set forward.

The orchestrators are the app's own; activities are stand-ins, as real ones would ask a database of another time.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from localazure.testing import Hub

from domain import names
from tests.services import APP
from tests.unit.conftest import ORDER, PRICED
from tests.unit.sagas import (
    ASKING,
    CONFIRMED,
    DOWN,
    FULFIL,
    GOOD,
    HELD,
    PARCEL,
    REVIEW,
    SHORT,
    Run,
    back_after_an_outage,
    play,
)

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
USER = {"tenant_id": "acme", "user_id": "c-17", "correlation_id": "corr-1"}
REGISTERING = {**USER, "verification_id": "r1", "registration_key": "key-1"}
ONE_ORDER = {**USER, "progress": {"sweeps": 0, "left": ["o-7"]}}
SENT = {"outcome": "sent"}
DECLINED = {"outcome": "declined", "detail": "card_declined"}
NONE_LEFT = {"outcome": "out_of_stock"}
TOO_LATE = {"outcome": "too_late", "status": "shipped"}
LEFT = {"outcome": "refused", "status": "cancelled", "order_status": "cancelled"}


class Slow(NamedTuple):
    """Which orchestrator is started, with what, what its activities answer, and what happens before it ends."""

    orchestrator: str
    given: dict[str, Any]
    instance_id: str
    answers: dict[str, Any]
    then: Callable[[Run], object] = lambda _: None


def order(then: Callable[[Run], object] = lambda _: None, **answers: Any) -> Slow:
    return Slow(names.FULFIL_ORDER, ORDER, FULFIL, answers, then)


def parcel(*words: str, **answers: Any) -> Slow:
    return Slow(names.SHIP_PARCEL, PARCEL_GIVEN, PARCEL, answers, hear(*words))


def returned(*words: str, given: dict[str, Any] = RETURN_GIVEN, **answers: Any) -> Slow:
    return Slow(names.RETURN_ORDER, given, RETURN, answers, hear(*words))


def replayed(given: dict[str, Any], **answers: Any) -> Slow:
    return Slow(names.REPLAY_STEP, given, REPLAYED, answers)


def registered(*words: str, **answers: Any) -> Slow:
    instance_id = names.register_instance_id("acme", "c-17", "r1")
    return Slow(names.REGISTER_USER, REGISTERING, instance_id, answers, hear(*words))


def hear(*words: str) -> Callable[[Run], None]:
    def then(run: Run) -> None:
        for word in words:
            run.tell(word, {"actor": "u-1"})

    return then


def untold_until_late(step: dict[str, Any]) -> dict[str, str]:
    return {"outcome": "verified" if step["timed_out"] else "pending"}


def stay_silent_twice(parcel: Run) -> None:
    parcel.hub.advance(days=15)
    hear("shipped", "delivered")(parcel)


def cancel_too_late(order: Run) -> None:
    order.tell(names.CANCEL, {"actor": "c-17"})
    order.deliver()


def deliver_after_the_outage(order: Run) -> None:
    order.hub.advance(minutes=10)
    order.deliver()


def approve(order: Run) -> None:
    order.tell(names.APPROVAL, {"approved": True, "actor": "boss-1"})
    order.deliver()


def replay_at_the_second_attempt(order: Run) -> None:
    order.tell(names.REPLAY, {"actor": "admin-1"})
    order.hub.advance(minutes=1)
    order.hub.replace("release_stock", GOOD["release_stock"])
    order.tell(names.REPLAY, {"actor": "admin-1"})


PATHS = {
    "rejected_approval_timed_out": order(assess_risk=REVIEW),
    "rejected_shortage_unanswered": order(price_order=ASKING, reserve_stock=SHORT),
    "rejected_at_the_second_replay": order(
        replay_at_the_second_attempt, authorise_payment=DECLINED, release_stock=DOWN
    ),
    "decided_before": order(price_order={"outcome": "decided", "status": "delivered", "reason": None}),
    "rejected_when_resumed": order(price_order={**PRICED, "resumed": True}, reserve_stock__TEA=NONE_LEFT),
    "decided_meanwhile": order(record_transition__confirmed={"outcome": "decided", "status": "cancelled"}),
    "delivered_untold_approvers": order(approve, assess_risk=REVIEW, tell_approvers=DOWN),
    "delivered_without_mail": order(Run.deliver, send_confirmation=DOWN),
    "delivered_cancelled_too_late": order(cancel_too_late, cancel_shipments=TOO_LATE),
    "delivered_after_an_outage": order(
        deliver_after_the_outage, record_transition__confirmed=back_after_an_outage(CONFIRMED)
    ),
    "delivered_after_silence": Slow(names.SHIP_PARCEL, PARCEL_GIVEN, PARCEL, {}, stay_silent_twice),
    "cancelled_unheard": parcel(escalate_parcel={"outcome": "cancelled", "status": "cancelled"}),
    "cancelled_and_left": parcel("shipped", record_shipment=LEFT),
    "delivered_capture_refused": parcel("shipped", "delivered", capture_payment=REFUSED),
    "lost_refund_refused": parcel("shipped", "lost", refund_payment=REFUSED),
    "lost_nothing_taken": parcel("shipped", "lost", refund_payment={"outcome": "nothing_taken"}),
    "done": replayed(REPLAY_GIVEN),
    "failed": replayed(REPLAY_GIVEN, publish_outcome=DOWN),
    "captured": replayed(CAPTURE_GIVEN),
    "refused": replayed(CAPTURE_GIVEN, capture_payment=REFUSED),
    "expired": returned(),
    "received_refund_refused": returned("received", refund_payment=REFUSED),
    "received_nothing_paid": returned("received", given={**RETURN_GIVEN, "refund_minor": 0}),
    "unverified": registered(),
    "undeliverable": registered(send_mail={"outcome": "undeliverable"}),
    "superseded": registered(send_mail={"outcome": "superseded"}),
    "verified_after_an_outage": registered("verified", send_mail=back_after_an_outage(SENT)),
    "woken_without_a_code": registered("verified", record_verification=untold_until_late),
    "one_order": Slow(names.ERASE_USER, ONE_ORDER, names.erase_instance_id("acme", "c-17", "o-7"), {}),
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
        run.instance.recorded().write(folder / f"{version}.{name}_by_clock.json", without=[APP])
