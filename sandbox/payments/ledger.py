"""What happened to the money of each order: the one place where a test looks to know that nothing went wrong.

Amounts are minor units, summed over the intents that carry the order's id in their metadata (`order_id`):

- authorised: what banks ever agreed to; captured: what was taken; refunded: what was given back, pending included
- voided: what was agreed to and released again, by a cancellation, an expiry or a partial capture

so that authorised - captured - voided is what is still held, and refunded never exceeds captured.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict, cast

from sandbox.database import Database
from sandbox.payments.intent_models import Intent

ORDER_ID = "order_id"


@dataclass(frozen=True, slots=True)
class Movement:
    """What one intent did, as it is kept beside it."""

    order_id: str | None
    currency: str
    authorised: int = 0
    captured: int = 0
    refunded: int = 0
    voided: int = 0


class Entry(TypedDict):
    """One order. `currency` is null when its intents disagree about it."""

    authorised: int
    captured: int
    refunded: int
    voided: int
    intents: int
    currency: str | None


def movement(intent: Intent) -> Movement:
    order_id = intent.metadata.get(ORDER_ID)
    charge = intent.charge
    if charge is None or not charge.authorised:
        return Movement(order_id, intent.currency)
    return Movement(order_id, intent.currency, charge.amount, charge.captured, charge.refunded, charge.released)


def read(database: Database, order_id: str | None = None) -> dict[str, Entry]:
    """The sums by order id: of one order, or of all. An order without intents has no entry."""
    entries = {}
    for row in database.run("ledger", order_id=order_id):
        columns = dict(row)
        entries[columns.pop("order_id")] = cast("Entry", columns)
    return entries
