"""host.json with the environment's overrides: `AzureFunctionsJobHost__extensions__queues__batchSize=4`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from localazure.errors import ConfigError
from localazure.host.json_input import read_object
from localazure.host.timespans import parse_timespan

OVERRIDE_PREFIX = "azurefunctionsjobhost__"


@dataclass(frozen=True)
class Section:
    """One object of host.json. Keys match ignoring case; values may be text because overrides are."""

    path: str
    values: Mapping[str, Any]

    def section(self, key: str) -> Section:
        value = self._get(key)
        if value is not None and not isinstance(value, dict):
            raise self._error(key, f"{value!r} is not an object")
        return Section(f"{self.path}.{key}".lstrip("."), value or {})

    def text(self, key: str, default: str) -> str:
        value = self._get(key)
        return default if value is None else str(value)

    def choice(self, key: str, choices: tuple[str, ...]) -> str:
        """One of these words, in lower case; the first when absent."""
        word = self.text(key, choices[0]).lower()
        if word not in choices:
            raise self._error(key, f"{word!r} is none of {', '.join(choices)}")
        return word

    def integer(self, key: str, default: int, *, at_least: int = -1, at_most: int = 2**31) -> int:
        value = self._get(key)
        try:
            number = default if value is None else int(value)
        except (TypeError, ValueError):
            raise self._error(key, f"{value!r} is not a whole number") from None
        if not at_least <= number <= at_most:
            raise self._error(key, f"{number} is not between {at_least} and {at_most}")
        return number

    def boolean(self, key: str, *, default: bool) -> bool:
        value = self._get(key)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        if str(value).lower() not in {"true", "false"}:
            raise self._error(key, f"{value!r} is neither true nor false")
        return str(value).lower() == "true"

    def duration(self, key: str, default: timedelta, *, at_least: timedelta = timedelta(0)) -> timedelta:
        value = self._get(key)
        try:
            duration = default if value is None else parse_timespan(str(value))
        except ValueError as error:
            raise self._error(key, str(error)) from None
        if duration < at_least:
            raise self._error(key, f"{value} is below the minimum of {at_least}")
        return duration

    def items(self, key: str) -> list[str] | None:
        """A list of texts, also in the object form that numbered overrides give; None when absent."""
        value = self._get(key)
        if value is None:
            return None
        if not isinstance(value, list | dict):
            raise self._error(key, f"{value!r} is not a list")
        return [str(item) for item in (value.values() if isinstance(value, dict) else value)]

    def _get(self, key: str) -> Any:
        return next((value for name, value in self.values.items() if name.lower() == key.lower()), None)

    def _error(self, key: str, problem: str) -> ConfigError:
        return ConfigError(f"host.json: {self.path}.{key}: {problem}".replace(": .", ": "))


def load_host_json(path: Path, environment: Mapping[str, str]) -> Section:
    """The whole file with its overrides. A missing file means the defaults. Raises ConfigError."""
    content = read_object(path, "host.json") if path.exists() else {"version": "2.0"}
    if content.get("version") != "2.0":
        found = repr(content["version"]) if "version" in content else "none"
        raise ConfigError(f'host.json: "version" must be "2.0" (found: {found})')
    for name, value in sorted(environment.items()):
        if name.lower().startswith(OVERRIDE_PREFIX):
            _override(content, name[len(OVERRIDE_PREFIX) :].split("__"), value)
    return Section("", content)


def _override(target: dict[str, Any], path: list[str], value: str) -> None:
    for step in path[:-1]:
        key = _spelling(target, step)
        if isinstance(target.get(key), list):
            target[key] = {str(index): item for index, item in enumerate(target[key])}
        elif not isinstance(target.get(key), dict):
            target[key] = {}
        target = target[key]
    target[_spelling(target, path[-1])] = value


def _spelling(target: Mapping[str, Any], key: str) -> str:
    return next((name for name in target if name.lower() == key.lower()), key)
