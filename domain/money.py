"""Money: integers of minor units with a currency; turned into text for people, and never into a float."""

from __future__ import annotations

# ISO 4217, currencies in circulation.
_CODES = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY "
    "COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR "
    "ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK "
    "MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF "
    "SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU "
    "UZS VED VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG"
)
CURRENCIES = frozenset(_CODES.split())

# ISO 4217: currencies whose minor unit is not a hundredth.
_EXPONENTS = {"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3} | dict.fromkeys(
    ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"), 0
)

# What cards can be charged in, where that is coarser than the minor unit: steps of so many.
_STEPS = dict.fromkeys(("BHD", "JOD", "KWD", "OMR", "TND"), 10) | {"MGA": 100}


def check_payable(amount_minor: int, currency: str) -> int:
    """The amount, if a card can be charged with it. Raises ValueError."""
    step = _STEPS.get(currency, 1)
    if amount_minor % step:
        raise ValueError(f"must be a multiple of {step}: cards are not charged with less of {currency}")
    return amount_minor


def amount_text(amount_minor: int, currency: str) -> str:
    """`12.50 EUR` for 1250 minor units."""
    exponent = _EXPONENTS.get(currency, 2)
    if exponent == 0:
        return f"{amount_minor} {currency}"
    whole, part = divmod(amount_minor, 10**exponent)
    return f"{whole}.{part:0{exponent}d} {currency}"


def known_currency(code: str) -> str:
    """The code, if ISO 4217 knows it. Raises ValueError."""
    if code not in CURRENCIES:
        raise ValueError("is not a currency of ISO 4217")
    return code
