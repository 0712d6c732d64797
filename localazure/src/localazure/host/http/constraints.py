"""The inline constraints of route templates (`{id:int:min(1)}`), with the rules of ASP.NET routing."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from uuid import UUID

from localazure.host.errors import IndexingError

Constraint = Callable[[str], bool]

_INTEGER = re.compile(r"[+-]?\d+")
_DATE_FORMATS = ("%Y-%m-%d", "%m/%d/%Y", "%m-%d-%Y", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%m/%d/%Y %H:%M:%S")


def _integer(text: str) -> int | None:
    return int(text) if _INTEGER.fullmatch(text) else None


def _within(low: int | None, high: int | None) -> Constraint:
    def check(text: str) -> bool:
        number = _integer(text)
        return number is not None and (low is None or number >= low) and (high is None or number <= high)

    return check


def _length_within(low: int, high: int | None) -> Constraint:
    return lambda text: len(text) >= low and (high is None or len(text) <= high)


def _is_number(text: str) -> bool:
    try:
        Decimal(text.replace(",", ""))
    except InvalidOperation:
        return False
    return True


def _is_datetime(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return any(_fits(text, layout) for layout in _DATE_FORMATS)
    return True


def _fits(text: str, layout: str) -> bool:
    try:
        datetime.strptime(text, layout)  # noqa: DTZ007  # only the form matters
    except ValueError:
        return False
    return True


def _is_guid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


_PLAIN: dict[str, Constraint] = {
    "int": _within(-(2**31), 2**31 - 1),
    "long": _within(-(2**63), 2**63 - 1),
    "bool": lambda text: text.lower() in {"true", "false"},
    "datetime": _is_datetime,
    "decimal": _is_number,
    "double": _is_number,
    "float": _is_number,
    "guid": _is_guid,
    "alpha": lambda text: re.fullmatch("[a-zA-Z]*", text) is not None,
    "required": lambda text: text != "",
}

_WITH_NUMBERS: dict[tuple[str, int], Callable[..., Constraint]] = {
    ("min", 1): lambda low: _within(low, None),
    ("max", 1): lambda high: _within(None, high),
    ("range", 2): _within,
    ("length", 1): lambda length: _length_within(length, length),
    ("length", 2): _length_within,
    ("minlength", 1): lambda low: _length_within(low, None),
    ("maxlength", 1): lambda high: _length_within(0, high),
}


def constraint(text: str) -> Constraint:
    """The check that `int`, `range(1,5)` or `regex(...)` stands for. Raises IndexingError for an unknown one."""
    name, bracket, rest = text.partition("(")
    name = name.strip().lower()
    argument = rest.removesuffix(")")
    if not bracket and name in _PLAIN:
        return _PLAIN[name]
    if name == "regex" and bracket:
        return _regex(argument)
    numbers = [_integer(part.strip()) for part in argument.split(",")]
    build = _WITH_NUMBERS.get((name, len(numbers)))
    if build is None or None in numbers:
        raise IndexingError(f"The constraint reference '{text}' could not be resolved.")
    return build(*numbers)


def _regex(expression: str) -> Constraint:
    try:
        pattern = re.compile(expression, re.IGNORECASE)
    except re.error as error:
        raise IndexingError(f"The constraint 'regex({expression})' is invalid: {error}") from None
    return lambda text: pattern.search(text) is not None
