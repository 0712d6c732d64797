"""What every operation works with: the objects by id, and one way to change them that also tells the world."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.payments.clock import Clock
from sandbox.payments.errors import no_such_object
from sandbox.payments.events import Happening, about_intent, about_refund
from sandbox.payments.intent_models import Intent
from sandbox.payments.objects import Json
from sandbox.payments.parameters import Parameters
from sandbox.payments.refunds import Refund
from sandbox.payments.store import Store
from sandbox.payments.webhooks import Outbox


@dataclass(frozen=True, slots=True)
class Call:
    """One request for an operation. `object_id` comes from the path, empty where the path has none."""

    parameters: Parameters
    path: str
    object_id: str = ""
    request_id: str | None = None
    key: str | None = None

    @property
    def expand(self) -> list[str]:
        """What to show whole instead of by its id; in lists the names begin with `data.`."""
        return [name.removeprefix("data.") for name in self.parameters.texts("expand")]


Reply = tuple[int, Json]
"""HTTP status and body."""


class Desk:
    def __init__(self, store: Store, outbox: Outbox, clock: Clock) -> None:
        self.store = store
        self.outbox = outbox
        self._clock = clock

    def now(self) -> int:
        return int(self._clock.now())

    def intent(self, intent_id: str, *, param: str = "intent", in_path: bool = True) -> Intent:
        """Raises resource_missing, with 404 for an id in the path, else 400."""
        intent = self.store.intent(intent_id)
        if intent is None:
            raise no_such_object("payment_intent", intent_id, param=param, in_path=in_path)
        return intent

    def refund(self, refund_id: str) -> Refund:
        """Raises resource_missing (404)."""
        refund = self.store.refund(refund_id)
        if refund is None:
            raise no_such_object("refund", refund_id, param="id", in_path=True)
        return refund

    def save_intent(self, before: Intent | None, after: Intent, call: Call | None = None) -> None:
        """Keep a changed intent and record its events. Without a call, time or the bank made the change."""
        self.store.keep_intent(after)
        self.announce(about_intent(before, after), call)

    def save_refund(self, before: Refund | None, after: Refund, call: Call | None = None) -> None:
        """Keep a changed refund and record its events."""
        self.store.keep_refund(after)
        self.announce(about_refund(before, after), call)

    def announce(self, happenings: list[Happening], call: Call | None) -> None:
        """Record events, to be sent once the transaction is over."""
        self.outbox.record(happenings, request_id=call.request_id if call else None, key=call.key if call else None)


Operation = Callable[[Desk, Call], Reply]
"""Executes one call. It validates before it changes anything, and runs inside one transaction."""
