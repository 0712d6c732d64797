"""Amounts as the provider checks and words them: integer minor units of a lower-case ISO 4217 currency."""

from __future__ import annotations

from sandbox.payments.errors import StripeError, invalid_request

_CODES = (
    "usd aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf chf "
    "clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl hrk htg huf idr "
    "ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mro mur "
    "mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr sek "
    "sgd shp sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx uyu uzs vnd vuv wst xaf xcd xof xpf yer zar "
    "zmw"
)
SUPPORTED = frozenset(_CODES.split())

MINIMUM = {
    "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250, "eur": 50, "gbp": 30,
    "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50, "pln": 200,
    "ron": 200, "sek": 300, "sgd": 50, "thb": 1000, "usd": 50,
}  # fmt: skip
MAXIMUM = 99_999_999

_WITHOUT_MINOR_UNIT = frozenset(
    {"bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof", "xpf"}
)
_WITH_THREE_DIGITS = frozenset({"bhd", "jod", "kwd", "omr", "tnd"})
_ONLY_WHOLE = frozenset({"isk", "ugx"})  # counted in hundredths as ever, and without them since 2023
_SYMBOLS = {"usd": "$", "eur": "€", "gbp": "£", "jpy": "¥"}


def check_currency(currency: str) -> str:
    """The currency in lower case. Raises invalid_request_error for one that the provider does not know."""
    lowered = currency.lower()
    if lowered not in SUPPORTED:
        raise invalid_request(
            f"Invalid currency: {lowered}. Stripe currently supports these currencies: {', '.join(sorted(SUPPORTED))}",
            param="currency",
        )
    return lowered


def check_amount(amount: int, currency: str) -> int:
    """The amount. Raises amount_too_small below the currency's least charge, amount_too_large above eight digits.

    Raises invalid_charge_amount_no_decimal_compatible for parts of a króna, invalid_request_error for a thousandth that
    is no multiple of ten.
    """
    if amount < MINIMUM.get(currency, 1):
        raise _out_of_range(f"at least {in_words(MINIMUM[currency], currency)}", "amount_too_small")
    if amount > MAXIMUM:
        raise _out_of_range(f"no more than {in_words(MAXIMUM, currency)}", "amount_too_large")
    if currency in _ONLY_WHOLE and amount % 100:
        raise invalid_request(
            f"Invalid amount. Currency {currency.upper()} has become effectively zero-decimal and charged amounts must "
            "be evenly divisible by 100.",
            param="amount",
            code="invalid_charge_amount_no_decimal_compatible",
        )
    if currency in _WITH_THREE_DIGITS and amount % 10:
        raise invalid_request("Invalid amount. The last digit of a three-decimal amount must be 0.", param="amount")
    return amount


def in_words(amount: int, currency: str) -> str:
    """Such as `€12.50`, `¥500` or `12.500 kwd`."""
    digits = 0 if currency in _WITHOUT_MINOR_UNIT else 3 if currency in _WITH_THREE_DIGITS else 2
    whole, rest = divmod(amount, 10**digits)
    number = f"{whole:,}.{rest:0{digits}}" if digits else f"{whole:,}"
    symbol = _SYMBOLS.get(currency)
    return f"{symbol}{number}" if symbol else f"{number} {currency}"


def _out_of_range(bound: str, code: str) -> StripeError:
    return invalid_request(f"Amount must be {bound}", param="amount", code=code)
