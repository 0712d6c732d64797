"""The text of what customers are told."""

from __future__ import annotations

from dataclasses import dataclass

from domain.money import amount_text
from domain.orders import Order


@dataclass(frozen=True, slots=True)
class Letter:
    """A subject and a plain text."""

    subject: str
    text: str


def confirmation(order: Order) -> Letter:
    """What the customer reads once stock and payment are certain."""
    lines = "\n".join(
        f"  {line.quantity} x {line.sku}  {amount_text((line.unit_amount_minor or 0) * line.quantity, order.currency)}"
        for line in order.lines
    )
    text = (
        f"Dear {order.ship_to.name},\n\n"
        f"thank you for your order {order.order_id}. It is confirmed:\n\n{lines}\n\n"
        f"Total  {amount_text(order.total_minor or 0, order.currency)}\n\n"
        "Your card is charged when the parcels leave.\n"
    )
    return Letter(subject=f"Your order {order.order_id} is confirmed", text=text)
