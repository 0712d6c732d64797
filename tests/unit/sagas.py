"""The app's orchestrators in a task hub, with every activity replaced by what a test answers for it.

Every step takes a second of the hub's clock; retries, outages and time-outs cost no time at all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from localazure.testing import Hub, Orchestration

from orchestrators import ENTITIES, ORCHESTRATORS
from tests.unit.conftest import AT, ORDER, PRICED

Answer = Any
TaskHub = Callable[..., Hub]
FULFIL, PARCEL = "fulfil:acme:o-42", "ship:acme:o-42:o-42-1"
HELD = {"provider_id": "pi_1", "currency": "EUR"}

RECORDED = {"outcome": "recorded", "total_minor": 5550, "shipment_ids": []}
CONFIRMED = {**RECORDED, "shipment_ids": ["o-42-1"]}

REVIEW = {"verdict": "review", "findings": ["goes to XX"]}
ASKING = {**PRICED, "settings": {**PRICED["settings"], "when_short": "ask"}}
SHORT = {"outcome": "reserved_in_part", "quantity": 2}
PLENTY = {"outcome": "reserved", "quantity": 1}

GOOD: dict[str, Answer] = {
    "price_order": PRICED,
    "assess_risk": {"verdict": "accept", "findings": []},
    "reserve_stock": {"outcome": "reserved"},
    "trim_reservation": {"outcome": "trimmed"},
    "release_stock": {"outcome": "released"},
    "commit_stock": {"outcome": "committed"},
    "restock": {"outcome": "restocked"},
    "record_shortage": {"outcome": "asked"},
    "tell_approvers": {"outcome": "sent"},
    "authorise_payment": {"outcome": "authorised", "provider_id": "pi_1", "amount_minor": 5550},
    "find_payment": {"outcome": "not_found"},
    "void_payment": {"outcome": "voided"},
    "capture_payment": {"outcome": "captured", "movement": {**HELD, "amount_minor": 5550}},
    "refund_payment": {"outcome": "refunded", "movement": {**HELD, "amount_minor": 5550}},
    "record_transition": RECORDED,
    "record_transition__confirmed": CONFIRMED,
    "record_movement": {"outcome": "recorded"},
    "flag_order": {"outcome": "flagged"},
    "book_shipment": {
        "status": "booked",
        "order_status": "confirmed",
        "lines": [{"sku": "MUG", "quantity": 1}, {"sku": "TEA", "quantity": 3}],
        "amount_minor": 5550,
        "payment": HELD,
    },
    "record_shipment": lambda step: {"outcome": "recorded", "status": step["to"], "order_status": step["to"]},
    "escalate_parcel": {"outcome": "escalated", "status": "booked"},
    "cancel_shipments": {"outcome": "cancelled", "status": "cancelled"},
    "call_back_parcels": {"outcome": "called_back"},
    "record_return": {"outcome": "recorded", "order_status": "returned"},
    "send_confirmation": {"outcome": "sent"},
    "publish_outcome": {"outcome": "published"},
    "park_dead_letter": lambda step: {"outcome": "parked", "letter_id": f"{step['step']}:{step['subject']}"},
    "store_user": {"outcome": "stored"},
    "send_mail": {"outcome": "sent"},
    "record_verification": lambda step: {"outcome": "expired" if step["timed_out"] else "verified"},
    "find_user_orders": {"outcome": "found", "order_ids": ["o-2", "o-1"], "next": None},
    "change_address": {"outcome": "changed"},
    "erase_order": {"outcome": "erased"},
    "settle_dead_letter": lambda step: {"outcome": "settled", "status": step["outcome"]},
}


class Unanswered(Exception):
    """What an activity raises when a service is down."""


DOWN = Unanswered("no answer")


def back_after_an_outage(good: Answer) -> Answer:
    """An answer that comes after as many attempts as an outage takes: only to those who wait."""
    attempts: Iterator[int] = iter(range(10))
    return lambda _: DOWN if next(attempts, None) is not None else good


@dataclass
class Run:
    """One instance and what it did."""

    hub: Hub
    instance: Orchestration

    def tell(self, event: str, data: Any = None, instance_id: str | None = None) -> None:
        """Raise an event, at this instance unless another is named."""
        (self.hub.instance(instance_id) if instance_id else self.instance).raise_event(event, data)

    def deliver(self, then: str = "delivered") -> Any:
        """Let the parcel leave and arrive, or whatever comes `then`; the output of the instance."""
        self.hub.advance(minutes=1)
        for status in ("shipped", then):
            self.tell(status, {"actor": "carrier-1"}, PARCEL)
        return self.end()

    def end(self) -> Any:
        """The output, once the instance has ended."""
        return self.instance.wait().output

    @property
    def steps(self) -> list[tuple[str, Any]]:
        return [(call.name, call.input) for call in self.hub.calls()]

    @property
    def story(self) -> list[str]:
        """`release_stock TEA`, `record_transition rejected`: each step once, however often it was tried."""
        return list(dict.fromkeys(short(*step) for step in self.steps))

    @property
    def stages(self) -> list[str]:
        shown = [each["CustomStatus"] for each in self.instance.history if "CustomStatus" in each]
        return [json.loads(text)["stage"] for text in shown]

    def payload(self, wanted: str) -> dict[str, Any]:
        return next(payload for name, payload in self.steps if short(name, payload) == wanted)

    def attempts(self, wanted: str) -> list[float]:
        """When a step was tried: seconds of the hub's clock from the first time on."""
        moments = [call.at for call in self.hub.calls() if short(call.name, call.input) == wanted]
        return [(moment - moments[0]).total_seconds() for moment in moments]


def short(activity: str, payload: dict[str, Any]) -> str:
    """As a person would say it."""
    return " ".join([activity, *(str(payload[key]) for key in ("sku", "to", "subject") if payload.get(key))])


def play(
    task_hub: TaskHub, name: str, given: dict[str, Any], instance_id: str, seconds: float = 1200, **answers: Answer
) -> Run:
    """Start an orchestrator and let so much time pass.

    Answers go by activity, or `activity__sku`, or `activity__to`; exceptions are raised.
    """
    script = {**GOOD, **answers}
    activities = {activity: answer_to(activity, script) for activity in GOOD if "__" not in activity}
    hub = task_hub(orchestrators=ORCHESTRATORS, entities=ENTITIES, activities=activities, time="skip", starts_at=AT)
    for activity in activities:
        hub.on(activity, None).delay(seconds=1)
    run = Run(hub, hub.start(name, given, instance_id=instance_id))
    hub.advance(seconds=seconds)
    return run


def fulfil(task_hub: TaskHub, **options: Any) -> Run:
    """Start the saga of the order of one mug and three teas; options as those of `play`."""
    return play(task_hub, "fulfil_order", ORDER, FULFIL, **options)


def answer_to(activity: str, script: dict[str, Answer]) -> Callable[[dict[str, Any]], Answer]:
    """Gives the most particular answer in the script."""

    def answer(payload: dict[str, Any]) -> Answer:
        particular = [f"{activity}__{payload.get(detail)}" for detail in ("sku", "to")]
        found = next((script[name] for name in particular if name in script), script[activity])
        value = found(payload) if callable(found) else found
        if isinstance(value, Exception):
            raise value.with_traceback(None)
        return {**value, "sku": payload["sku"]} if "sku" in payload else value

    return answer
