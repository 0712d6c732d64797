"""Names that must be the same wherever they are spoken: registered functions, instances and idempotency keys.

They are derived from what they name and never random, so that HTTP, queue and change feed may all try to start the
same order and one instance runs, and so that an attempt repeated after a crash is recognised as a repeat.
"""

from __future__ import annotations

import re
from typing import NamedTuple

# Orchestrators
FULFIL_ORDER = "fulfil_order"

# Activities
PRICE_ORDER = "price_order"
RESERVE_STOCK = "reserve_stock"
RELEASE_STOCK = "release_stock"
AUTHORISE_PAYMENT = "authorise_payment"
FIND_PAYMENT = "find_payment"
VOID_PAYMENT = "void_payment"
RECORD_TRANSITION = "record_transition"
SEND_CONFIRMATION = "send_confirmation"
PUBLISH_OUTCOME = "publish_outcome"
PARK_DEAD_LETTER = "park_dead_letter"

ORCHESTRATORS = (FULFIL_ORDER,)
ACTIVITIES = (
    PRICE_ORDER,
    RESERVE_STOCK,
    RELEASE_STOCK,
    AUTHORISE_PAYMENT,
    FIND_PAYMENT,
    VOID_PAYMENT,
    RECORD_TRANSITION,
    SEND_CONFIRMATION,
    PUBLISH_OUTCOME,
    PARK_DEAD_LETTER,
)

# Tenant, customer, SKU and order ids keep to this alphabet: an id then needs no escaping inside an instance id, a
# document id or a URL, and none of the characters that the task hub or Cosmos DB forbids can occur. The last character
# is no dot: as parts of a URL, `.` and `..` lead elsewhere.
IDENTIFIER = r"[A-Za-z0-9._-]{0,63}[A-Za-z0-9_-]"

_FULFIL_INSTANCE = re.compile(rf"fulfil:({IDENTIFIER}):({IDENTIFIER})")


class OrderRef(NamedTuple):
    """Which order an instance works for."""

    tenant_id: str
    order_id: str


def fulfil_instance_id(tenant_id: str, order_id: str) -> str:
    """The one instance that may fulfil this order."""
    return f"fulfil:{tenant_id}:{order_id}"


def parse_instance_id(instance_id: str) -> OrderRef | None:
    """The order behind an instance id, or None when the id names nothing of ours."""
    match = _FULFIL_INSTANCE.fullmatch(instance_id)
    return OrderRef(*match.groups()) if match else None


def idempotency_key(instance_id: str, activity: str) -> str:
    """The key under which an activity's side effect happens once, however often the activity runs."""
    return f"{instance_id}:{activity}"
