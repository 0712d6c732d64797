"""Money: integers of minor units with a currency; turned into text for people, and never into a float."""

from __future__ import annotations

# ISO 4217: currencies whose minor unit is not a hundredth.
_EXPONENTS = {"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3} | dict.fromkeys(
    ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"), 0
)


def amount_text(amount_minor: int, currency: str) -> str:
    """`12.50 EUR` for 1250 minor units."""
    exponent = _EXPONENTS.get(currency, 2)
    if exponent == 0:
        return f"{amount_minor} {currency}"
    whole, part = divmod(amount_minor, 10**exponent)
    return f"{whole}.{part:0{exponent}d} {currency}"
