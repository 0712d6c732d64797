"""Forgetting a person in their orders. Amounts, lines, times and the country stay: the law wants them kept."""

from __future__ import annotations

from domain.addresses import UNSHIPPED, noted
from domain.changes import Change
from domain.orders import Event, Order, OrderStatus
from domain.placement import Address
from domain.users import ERASED_TEXT

UNDER_WAY = UNSHIPPED | {OrderStatus.SHIPPED}
"""Statuses in which an order cannot do without its address: it is erased when it has ended."""

PERSONAL_DATA_ERASED = "personal_data_erased"
ERASED_EMAIL = "erased@erased.invalid"


def erased_address(address: Address) -> Address:
    """What is left of an address: the country, on which taxes depend."""
    gone = dict.fromkeys(("name", "line1", "postal_code", "city"), ERASED_TEXT)
    return address.model_copy(update={**gone, "line2": None})


def is_erased(order: Order) -> bool:
    """Whether nothing personal is left in the order."""
    return (
        order.ship_to == erased_address(order.ship_to)
        and order.email in (None, ERASED_EMAIL)
        and order.reference in (None, ERASED_TEXT)
        and order.payment_method == ERASED_TEXT
    )


def erased_order(order: Order, change: Change) -> tuple[Order, Event]:
    """The order without the person; `change` says when and on whose behalf."""
    after, event = noted(order, change.model_copy(update={"type": PERSONAL_DATA_ERASED}))
    gone = {
        "ship_to": erased_address(order.ship_to),
        "email": ERASED_EMAIL if order.email else None,
        "reference": ERASED_TEXT if order.reference else None,
        "payment_method": ERASED_TEXT,
    }
    return after.model_copy(update=gone), event
