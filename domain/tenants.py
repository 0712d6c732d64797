"""What a merchant may decide: thresholds, time-outs, limits. Everything has a default, so no tenant needs settings."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from domain.shapes import Request

Hours = Annotated[int, Field(ge=1, le=24 * 90)]
Days = Annotated[int, Field(ge=1, le=90)]
Minor = Annotated[int, Field(ge=0, description="minor units of the order's currency")]
Country = Annotated[str, Field(pattern="^[A-Z]{2}$", description="ISO 3166-1 alpha-2 code")]


class WhenShort(StrEnum):
    """What becomes of an order when there is not enough of something."""

    REJECT = "reject"
    ASK = "ask"


class RiskLimits(Request):
    """When an order is looked at by a person, and when it is refused outright. None is no limit."""

    reject_over_minor: Minor | None = None
    review_over_quantity: Annotated[int, Field(ge=1)] | None = None
    review_orders_per_day: Annotated[int, Field(ge=1)] | None = None
    review_countries: Annotated[list[Country], Field(max_length=250)] = Field(default_factory=list)
    reject_countries: Annotated[list[Country], Field(max_length=250)] = Field(default_factory=list)


class TenantSettings(Request):
    """The settings of one tenant; also the body of `PUT /v1/settings`. What is left out has its default."""

    approval_over_minor: Minor | None = 100_000
    approval_timeout_hours: Hours = 24
    when_short: WhenShort = WhenShort.REJECT
    shortage_timeout_hours: Hours = 48
    parcel_silent_days: Days = 7
    return_days: Days = 30
    risk: RiskLimits = RiskLimits()
