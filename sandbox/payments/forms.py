"""Stripe's bracketed form encoding: `metadata[order_id]=o-1&expand[0]=latest_charge`.

Decoded into nested dicts of strings. A list stays a dict whose keys are indices, since only the reader of a parameter
knows whether `[0]` is a place in a list or a name; `elements` makes a list of it.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from sandbox.payments.errors import StripeError, invalid_request

Form = dict[str, "str | Form"]

_KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")


def decode(encoded: str) -> Form:
    """Raises invalid_request_error for a key with stray brackets, or one that is both a value and a group."""
    form: Form = {}
    for key, value in parse_qsl(encoded, keep_blank_values=True):
        match = _KEY.fullmatch(key)
        if not match:
            raise _malformed(key)
        _put(form, key, [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])], value)
    return form


def elements(group: Form) -> list[str | Form]:
    """The values of a list parameter in the order of their indices."""
    return [group[index] for index in sorted(group, key=lambda index: (len(index), index))]


def _put(form: Form, key: str, path: list[str], value: str) -> None:
    *groups, last = path
    for name in groups:
        inner = form.setdefault(name or str(len(form)), {})
        if not isinstance(inner, dict):
            raise _malformed(key)
        form = inner
    last = last or str(len(form))  # `expand[]=a&expand[]=b` counts on
    if isinstance(form.get(last), dict):
        raise _malformed(key)
    form[last] = value


def _malformed(key: str) -> StripeError:
    return invalid_request(f"Invalid parameter name: {key}", param=key, code="parameter_unknown")
