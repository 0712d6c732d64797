"""Amounts as the payment provider (Stripe) counts them.

Its unit is the minor unit of ISO 4217, with exceptions (docs.stripe.com/currencies): ISK and UGX have lost their minor
unit and are still counted in hundredths, MGA has one and is counted in whole ariary. An amount that was sent as it is
would be a hundredth, or a hundred times, of what the customer owes.
"""

from __future__ import annotations

from fractions import Fraction

from adapters.provider import Refused

_UNITS_PER_MINOR = {"ISK": Fraction(100), "UGX": Fraction(100), "MGA": Fraction(1, 100)}
_ONE = Fraction(1)


def to_units(amount_minor: int, currency: str) -> int:
    """What the provider must be told. Raises Refused for an amount that it has no unit for."""
    units = amount_minor * _UNITS_PER_MINOR.get(currency.upper(), _ONE)
    if units.denominator != 1:
        raise Refused("amount_has_no_unit")
    return int(units)


def to_minor(units: int, currency: str) -> int:
    """What the provider has told, in minor units."""
    return int(units / _UNITS_PER_MINOR.get(currency.upper(), _ONE))
