"""The text of what customers are told."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from domain.catalogue import demand
from domain.money import amount_text
from domain.orders import LineStatus, Order
from domain.shipments import Shipment


@dataclass(frozen=True, slots=True)
class Letter:
    """A subject and a plain text."""

    subject: str
    text: str


def welcome(name: str, code: str, hours: int) -> Letter:
    """What a user reads who is to show that this mailbox is theirs."""
    text = (
        f"Dear {name},\n\n"
        f"welcome. This code confirms your e-mail address:\n\n  {code}\n\n"
        f"It is good for {hours} h. If there are several messages like this, the newest counts.\n"
    )
    return Letter(subject="Confirm your e-mail address", text=text)


def confirmation(order: Order) -> Letter:
    """What the customer reads once stock and payment are certain."""
    lines = "\n".join(
        f"  {line.quantity} x {line.sku}  {amount_text(line.amount_minor, order.currency)}"
        for line in order.lines
        if line.status is not LineStatus.CANCELLED
    )
    text = (
        f"Dear {order.ship_to.name},\n\n"
        f"thank you for your order {order.order_id}. It is confirmed:\n\n{lines}\n\n"
        f"Total  {amount_text(order.total_minor or 0, order.currency)}\n\n"
        "Your card is charged when the parcels leave.\n"
    )
    return Letter(subject=f"Your order {order.order_id} is confirmed", text=text)


def shortage(order: Order, held: Mapping[str, int]) -> Letter:
    """What the customer reads when there is not enough of something."""
    wanted = demand((line.sku, line.quantity) for line in order.lines)
    lines = "\n".join(f"  {held.get(item.sku, 0)} of {item.quantity} x {item.sku}" for item in wanted)
    text = (
        f"Dear {order.ship_to.name},\n\n"
        f"of your order {order.order_id} we hold:\n\n{lines}\n\n"
        "Tell us whether you take what there is, want less of something, or cancel the order.\n"
    )
    return Letter(subject=f"Your order {order.order_id}: not everything is in stock", text=text)


def approval_wanted(order: Order, why: str, hours: int) -> Letter:
    """What an approver reads."""
    text = (
        f"Order {order.order_id} of customer {order.customer_id} over "
        f"{amount_text(order.total_minor or 0, order.currency)} waits for an approver: {why}.\n\n"
        f"Without an answer within {hours} h it is rejected.\n"
    )
    return Letter(subject=f"Order {order.order_id} waits for approval", text=text)


def parcel_silent(order: Order, parcel: Shipment) -> Letter:
    """What the merchant reads of a parcel that nobody has heard of."""
    text = (
        f"Parcel {parcel.shipment_id} from {parcel.warehouse} for order {order.order_id} is {parcel.status} since "
        f"{parcel.to_json()['updatedAt']}, and nothing has been heard of it since.\n"
    )
    return Letter(subject=f"Parcel {parcel.shipment_id} is silent", text=text)
