"""Names that must be the same wherever they are spoken: registered functions, instances and idempotency keys.

They are derived from what they name and never random, so that HTTP, queue and change feed may all try to start the
same order and one instance runs, and so that an attempt repeated after a crash is recognised as a repeat.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import NamedTuple

# Orchestrators, about orders and about users
FULFIL_ORDER = "fulfil_order"
SHIP_PARCEL = "ship_parcel"
RETURN_ORDER = "return_order"

REGISTER_USER = "register_user"
PROPAGATE_ADDRESS = "propagate_address"
ERASE_USER = "erase_user"

REPLAY_STEP = "replay_step"

ORDER_ORCHESTRATORS = (FULFIL_ORDER, SHIP_PARCEL, RETURN_ORDER)
USER_ORCHESTRATORS = (REGISTER_USER, PROPAGATE_ADDRESS, ERASE_USER)
LETTER_ORCHESTRATORS = (REPLAY_STEP,)
ORCHESTRATORS = (*ORDER_ORCHESTRATORS, *USER_ORCHESTRATORS, *LETTER_ORCHESTRATORS)

SUCCESSORS: dict[str, str] = {}
"""Versions: an orchestrator whose steps have changed → the one beside it with which new instances begin.

`{FULFIL_ORDER: FULFIL_ORDER_V2}`: instances of the first go on with the first. Not for SHIP_PARCEL, which its parent
starts by the name that stands in the parent's code. CONTRIBUTING.md says how it is done.
"""

# Entities, and the keys under which there are any
CIRCUIT_BREAKER = "circuit_breaker"
PAYMENT_PROVIDER = "payments"

ENTITIES = (CIRCUIT_BREAKER,)

# Operations of the circuit breaker
BREAKER_ADMIT = "admit"
BREAKER_SUCCEEDED = "succeeded"
BREAKER_FAILED = "failed"

# External events, beside a parcel's own statuses
CANCEL = "cancel"
APPROVAL = "approval"
SHORTAGE_ANSWERED = "shortage_answered"
REPLAY = "replay"
VERIFIED = "verified"

# Activities
PRICE_ORDER = "price_order"
ASSESS_RISK = "assess_risk"
RESERVE_STOCK = "reserve_stock"
TRIM_RESERVATION = "trim_reservation"
RELEASE_STOCK = "release_stock"
COMMIT_STOCK = "commit_stock"
RESTOCK = "restock"
RECORD_SHORTAGE = "record_shortage"
TELL_APPROVERS = "tell_approvers"
AUTHORISE_PAYMENT = "authorise_payment"
FIND_PAYMENT = "find_payment"
VOID_PAYMENT = "void_payment"
CAPTURE_PAYMENT = "capture_payment"
REFUND_PAYMENT = "refund_payment"
RECORD_TRANSITION = "record_transition"
RECORD_MOVEMENT = "record_movement"
FLAG_ORDER = "flag_order"
BOOK_SHIPMENT = "book_shipment"
RECORD_SHIPMENT = "record_shipment"
ESCALATE_PARCEL = "escalate_parcel"
CANCEL_SHIPMENTS = "cancel_shipments"
CALL_BACK_PARCELS = "call_back_parcels"
RECORD_RETURN = "record_return"
SEND_CONFIRMATION = "send_confirmation"
PUBLISH_OUTCOME = "publish_outcome"
PARK_DEAD_LETTER = "park_dead_letter"
SETTLE_DEAD_LETTER = "settle_dead_letter"
STORE_USER = "store_user"
SEND_MAIL = "send_mail"
RECORD_VERIFICATION = "record_verification"
FIND_USER_ORDERS = "find_user_orders"
CHANGE_ADDRESS = "change_address"
ERASE_ORDER = "erase_order"

ORDER_ACTIVITIES = (
    PRICE_ORDER,
    ASSESS_RISK,
    RESERVE_STOCK,
    TRIM_RESERVATION,
    RELEASE_STOCK,
    COMMIT_STOCK,
    RESTOCK,
    RECORD_SHORTAGE,
    TELL_APPROVERS,
    AUTHORISE_PAYMENT,
    FIND_PAYMENT,
    VOID_PAYMENT,
    CAPTURE_PAYMENT,
    REFUND_PAYMENT,
    RECORD_TRANSITION,
    RECORD_MOVEMENT,
    FLAG_ORDER,
    BOOK_SHIPMENT,
    RECORD_SHIPMENT,
    ESCALATE_PARCEL,
    CANCEL_SHIPMENTS,
    CALL_BACK_PARCELS,
    RECORD_RETURN,
    SEND_CONFIRMATION,
    PUBLISH_OUTCOME,
    PARK_DEAD_LETTER,
)
USER_ACTIVITIES = (
    STORE_USER,
    SEND_MAIL,
    RECORD_VERIFICATION,
    FIND_USER_ORDERS,
    CHANGE_ADDRESS,
    ERASE_ORDER,
)
LETTER_ACTIVITIES = (SETTLE_DEAD_LETTER,)
ACTIVITIES = (*ORDER_ACTIVITIES, *USER_ACTIVITIES, *LETTER_ACTIVITIES)

# Tenant, customer, SKU and order ids keep to this alphabet: an id then needs no escaping inside an instance id, a
# document id or a URL, and none of the characters that the task hub or Cosmos DB forbids can occur. The last character
# is no dot: as parts of a URL, `.` and `..` lead elsewhere.
IDENTIFIER = r"[A-Za-z0-9._-]{0,63}[A-Za-z0-9_-]"

_INSTANCES = (
    re.compile(rf"fulfil:({IDENTIFIER}):({IDENTIFIER})"),
    re.compile(rf"(?:ship|return|replay):({IDENTIFIER}):({IDENTIFIER}):{IDENTIFIER}"),
)

_USER_INSTANCES = (
    re.compile(rf"register:({IDENTIFIER}):({IDENTIFIER}):{IDENTIFIER}"),
    re.compile(rf"address:({IDENTIFIER}):({IDENTIFIER}):{IDENTIFIER}(?::{IDENTIFIER})?"),
    re.compile(rf"erase:({IDENTIFIER}):({IDENTIFIER})(?::{IDENTIFIER})?"),
)


def version_to_start(orchestrator: str) -> str:
    """The version of an orchestrator with which a new instance begins."""
    return SUCCESSORS.get(orchestrator, orchestrator)


class OrderRef(NamedTuple):
    """Which order an instance works for."""

    tenant_id: str
    order_id: str


class UserRef(NamedTuple):
    """Which user an instance works for."""

    tenant_id: str
    user_id: str


def fulfil_instance_id(tenant_id: str, order_id: str) -> str:
    """The one instance that may fulfil this order."""
    return f"fulfil:{tenant_id}:{order_id}"


def ship_instance_id(tenant_id: str, order_id: str, shipment_id: str) -> str:
    """The one instance that follows this parcel."""
    return f"ship:{tenant_id}:{order_id}:{shipment_id}"


def return_instance_id(tenant_id: str, order_id: str, return_id: str) -> str:
    """The one instance that sees to this return."""
    return f"return:{tenant_id}:{order_id}:{return_id}"


def replay_instance_id(tenant_id: str, order_id: str, letter_id: str, attempt: int) -> str:
    """The one instance that runs the step of this dead letter for the `attempt`-th time."""
    return f"replay:{tenant_id}:{order_id}:{sha256(letter_id.encode()).hexdigest()[:12]}-{attempt}"


def register_instance_id(tenant_id: str, user_id: str, verification_id: str) -> str:
    """The one instance that registers this user, or sees to a later verification of an e-mail address."""
    return f"register:{tenant_id}:{user_id}:{verification_id}"


def address_instance_id(tenant_id: str, user_id: str, version: int, order_id: str | None = None) -> str:
    """The one instance that carries this address to the user's orders; another one for an order that it missed."""
    return _with(f"address:{tenant_id}:{user_id}:v{version}", order_id)


def erase_instance_id(tenant_id: str, user_id: str, order_id: str | None = None) -> str:
    """The one instance that forgets this user; another one for an order that it missed."""
    return _with(f"erase:{tenant_id}:{user_id}", order_id)


def parse_user_instance_id(instance_id: str) -> UserRef | None:
    """The user behind an instance id, or None when it works for no user."""
    matches = (pattern.fullmatch(instance_id) for pattern in _USER_INSTANCES)
    return next((UserRef(*match.groups()) for match in matches if match), None)


def parse_instance_id(instance_id: str) -> OrderRef | None:
    """The order behind an instance id, or None when it works for no order."""
    matches = (pattern.fullmatch(instance_id) for pattern in _INSTANCES)
    return next((OrderRef(*match.groups()) for match in matches if match), None)


def idempotency_key(instance_id: str, activity: str) -> str:
    """The key under which an activity's side effect happens once, however often the activity runs."""
    return f"{instance_id}:{activity}"


def _with(instance_id: str, order_id: str | None) -> str:
    return f"{instance_id}:{order_id}" if order_id else instance_id
