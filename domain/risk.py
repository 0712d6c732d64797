"""How risky an order is: plain rules over the tenant's limits, so that everybody can say why an order was stopped."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.orders import Order
from domain.tenants import RiskLimits


class Verdict(StrEnum):
    """What to do with an order."""

    ACCEPT = "accept"
    REVIEW = "review"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Risk:
    """The verdict, and one text per rule that led to it."""

    verdict: Verdict
    findings: tuple[str, ...] = ()


def assess(order: Order, total_minor: int, orders_today: int, limits: RiskLimits) -> Risk:
    """Weigh an order that costs `total_minor`; `orders_today` are its customer's, this one included."""
    country = order.ship_to.country
    refused = []
    if limits.reject_over_minor is not None and total_minor > limits.reject_over_minor:
        refused.append(f"the total is over {limits.reject_over_minor}")
    if country in limits.reject_countries:
        refused.append(f"nothing is shipped to {country}")
    if refused:
        return Risk(Verdict.REJECT, tuple(refused))
    doubted = []
    pieces = sum(line.quantity for line in order.lines)
    if limits.review_over_quantity is not None and pieces > limits.review_over_quantity:
        doubted.append(f"{pieces} pieces are more than {limits.review_over_quantity}")
    if limits.review_orders_per_day is not None and orders_today > limits.review_orders_per_day:
        doubted.append(f"order {orders_today} of this customer today")
    if country in limits.review_countries:
        doubted.append(f"goes to {country}")
    return Risk(Verdict.REVIEW if doubted else Verdict.ACCEPT, tuple(doubted))
