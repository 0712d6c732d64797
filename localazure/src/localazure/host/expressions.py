"""`{name}` in the properties of bindings: filled from the data of the trigger."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

_TOKEN = re.compile(r"\{([^{}]+)\}")
_DATE_PARTS = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}


def fill(text: str, values: Mapping[str, Any], now: datetime) -> str:
    """Replace every token. Names match ignoring case, `a.b` looks inside objects.

    Raises ValueError that names a token without a value.
    """
    return _TOKEN.sub(lambda match: _value_of(match[1], values, now), text)


def fill_all(properties: Mapping[str, Any], values: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """All texts of a binding filled in. Raises ValueError that names a token without a value.

    A token in `sqlQuery` becomes a parameter of the query, listed under `sqlParameters`: data is never read as SQL.
    """
    filled = {key: fill(value, values, now) if isinstance(value, str) else value for key, value in properties.items()}
    if isinstance(query := properties.get("sqlQuery"), str):
        names = {token: "@" + re.sub(r"\W", "_", token) for token in _TOKEN.findall(query)}
        filled["sqlQuery"] = _TOKEN.sub(lambda match: names[match[1]], query)
        filled["sqlParameters"] = [
            {"name": name, "value": _value_of(token, values, now)} for token, name in names.items()
        ]
    return filled


def _value_of(token: str, values: Mapping[str, Any], now: datetime) -> str:
    name, _, layout = token.partition(":")
    match name.lower():
        case "rand-guid" | "sys.randguid":
            return str(uuid4())
        case "datetime" | "sys.utcnow" if name.lower() not in {key.lower() for key in values}:
            return _format_date(now, layout)
    value: Any = _look_up(values, name)
    if value is None:
        raise ValueError(f"No value for the binding expression '{{{token}}}'.")
    return value if isinstance(value, str) else str(value)


def _look_up(values: Any, name: str) -> Any:
    if not isinstance(values, Mapping):
        return None
    found = next((value for key, value in values.items() if key.lower() == name.lower()), None)
    if found is None and "." in name:
        head, _, rest = name.partition(".")
        return _look_up(_look_up(values, head), rest)
    return found


def _format_date(now: datetime, layout: str) -> str:
    if not layout:
        return now.strftime("%Y-%m-%dT%H-%M-%SZ")
    return re.sub("|".join(_DATE_PARTS), lambda part: now.strftime(_DATE_PARTS[part[0]]), layout)
