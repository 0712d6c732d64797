"""Typed reading of request parameters, with refusals in Stripe's words."""

from __future__ import annotations

import re
from collections.abc import Collection

from sandbox.payments.errors import invalid_request, missing_parameter, unknown_parameter
from sandbox.payments.forms import Form, elements

_INTEGER = re.compile(r"[+-]?\d{1,18}")


class Parameters:
    """The parameters of one request. An empty value means: unset this."""

    def __init__(self, form: Form) -> None:
        self._form = form

    def allow_only(self, known: Collection[str]) -> None:
        """Raises parameter_unknown for any other name. `expand` is known everywhere."""
        for name in self._form:
            if name not in known and name != "expand":
                raise unknown_parameter(name)

    def __contains__(self, name: str) -> bool:
        return name in self._form

    def text(self, name: str) -> str | None:
        """Raises invalid_request_error when the parameter is a group."""
        value = self._form.get(name)
        if isinstance(value, dict):
            raise invalid_request(f"Invalid string: {value}", param=name)
        return value or None

    def required_text(self, name: str) -> str:
        """Raises parameter_missing when absent or empty."""
        value = self.text(name)
        if value is None:
            raise missing_parameter(name)
        return value

    def integer(self, name: str, *, least: int = 1, most: int | None = None) -> int | None:
        """Raises parameter_invalid_integer for what is no integer or out of range."""
        value = self.text(name)
        if value is None:
            return None
        if not _INTEGER.fullmatch(value):
            raise invalid_request(f"Invalid integer: {value}", param=name, code="parameter_invalid_integer")
        number = int(value)
        if number < least:
            message = f"This value must be greater than or equal to {least}."
            raise invalid_request(message, param=name, code="parameter_invalid_integer")
        if most is not None and number > most:
            message = f"This value must be less than or equal to {most}."
            raise invalid_request(message, param=name, code="parameter_invalid_integer")
        return number

    def required_integer(self, name: str, *, least: int = 1) -> int:
        """Raises parameter_missing, or as `integer` does."""
        number = self.integer(name, least=least)
        if number is None:
            raise missing_parameter(name)
        return number

    def boolean(self, name: str, *, default: bool = False) -> bool:
        """Raises invalid_request_error for anything but `true` and `false`."""
        value = self.text(name)
        if value not in (None, "true", "false"):
            raise invalid_request(f"Invalid boolean: {value}", param=name)
        return default if value is None else value == "true"

    def choice(self, name: str, options: tuple[str, ...]) -> str | None:
        """Raises invalid_request_error for anything but one of the options."""
        value = self.text(name)
        if value is not None and value not in options:
            listed = f"{', '.join(options[:-1])}, or {options[-1]}"
            raise invalid_request(f"Invalid {name}: must be one of {listed}", param=name)
        return value

    def is_group(self, name: str) -> bool:
        """Whether the parameter is nested rather than a plain value."""
        return isinstance(self._form.get(name), dict)

    def group(self, name: str) -> Form:
        """A nested parameter, empty when absent. Raises invalid_request_error for a plain value."""
        value = self._form.get(name)
        if isinstance(value, str) and value:
            raise invalid_request("Invalid object", param=name)
        return value if isinstance(value, dict) else {}

    def texts(self, name: str) -> list[str]:
        """A list parameter, empty when absent."""
        return [value for value in elements(self.group(name)) if isinstance(value, str)]

    def metadata(self, current: dict[str, str]) -> dict[str, str]:
        """The metadata with the request's changes: an empty value removes a key, empty metadata removes all.

        Raises invalid_request_error beyond 50 keys, 40 characters of key or 500 of value.
        """
        if self._form.get("metadata") == "":
            return {}
        merged = dict(current)
        for key, value in self.group("metadata").items():
            if isinstance(value, dict):
                raise invalid_request("Metadata values must be strings", param=f"metadata[{key}]")
            _check_size(key, value)
            merged[key] = value
        if len(merged) > 50:
            message = f"You can have up to 50 metadata keys, but you passed in {len(merged)}."
            raise invalid_request(message, param="metadata")
        return {key: value for key, value in merged.items() if value}


def _check_size(key: str, value: str) -> None:
    for what, text, most in (("keys", key, 40), ("values", value, 500)):
        if len(text) > most:
            raise invalid_request(
                f"Metadata {what} can have up to {most} characters, but you passed in one of {len(text)} characters.",
                param="metadata",
            )
