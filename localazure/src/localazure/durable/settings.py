"""The task hub's settings: the section `extensions.durableTask` of host.json."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

HUB_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{2,44}")
OWN_DEFAULT_PER_CORE = 10
UNLIMITED = 1_000_000
"""For orchestrators: the host has fewer threads for them than the original's limit."""


class InvalidSetting(ValueError):
    """A setting has a value that cannot be used; the text names its key."""


@dataclass(frozen=True, slots=True)
class TaskHubSettings:
    """See `from_host_json` for the keys. Durations are in the unit of the name."""

    hub_name: str = "TestHubName"
    default_version: str | None = None
    max_concurrent_activities: int = 20
    max_concurrent_orchestrators: int = UNLIMITED
    max_concurrent_entities: int = 20
    max_entity_batch: int = 1
    max_actions: int = 100_000
    store_inputs: bool = False
    replace_any_state: bool = False
    preserve_unprocessed_events: bool = False
    http_poll_ms: int = 30_000
    connection_name: str = "Storage"
    max_payload_bytes: int = 64 * 1024 * 1024
    extended_sessions: bool = False
    session_idle_s: int = 30

    @classmethod
    def from_host_json(cls, section: Mapping[str, Any], environment: Mapping[str, str]) -> TaskHubSettings:
        """The settings in `section`; keys ignore case, `%NAME%` stands for an environment variable.

        Keys that only make sense for the original's storage are accepted and ignored. Raises InvalidSetting.
        """
        reader = _Reader(section)
        storage, http = reader.section("storageProvider"), reader.section("httpSettings")
        per_host = OWN_DEFAULT_PER_CORE * (os.cpu_count() or 1)
        return cls(
            hub_name=_hub_name(reader.text("hubName"), environment),
            default_version=reader.text("defaultVersion"),
            max_concurrent_activities=reader.count("maxConcurrentActivityFunctions", per_host),
            max_concurrent_orchestrators=reader.count("maxConcurrentOrchestratorFunctions", UNLIMITED),
            max_concurrent_entities=reader.count("maxConcurrentEntityFunctions", per_host),
            max_entity_batch=reader.count("maxEntityOperationBatchSize", 1),
            max_actions=reader.count("maxOrchestrationActions", 100_000),
            store_inputs=reader.flag("storeInputsInOrchestrationHistory"),
            replace_any_state=reader.choice("overridableExistingInstanceStates", "NonRunningStates", "AnyState"),
            extended_sessions=reader.flag("extendedSessionsEnabled"),
            session_idle_s=reader.count("extendedSessionIdleTimeoutInSeconds", 30),
            preserve_unprocessed_events=reader.flag("preserveUnprocessedEvents"),
            http_poll_ms=http.count("defaultAsyncRequestSleepTimeMilliseconds", 30_000),
            connection_name=storage.text("connectionName") or storage.text("connectionStringName") or "Storage",
        )


class _Reader:
    """Typed look-ups in one section."""

    def __init__(self, section: Mapping[str, Any], path: str = "extensions.durableTask") -> None:
        self._values = {key.lower(): value for key, value in section.items()}
        self._path = path

    def section(self, key: str) -> _Reader:
        value = self._values.get(key.lower()) or {}
        if not isinstance(value, Mapping):
            raise self._invalid(key, "an object")
        return _Reader(value, f"{self._path}.{key}")

    def text(self, key: str) -> str | None:
        value = self._values.get(key.lower())
        if value is not None and not isinstance(value, str):
            raise self._invalid(key, "a text")
        return value or None

    def count(self, key: str, default: int) -> int:
        value = self._values.get(key.lower(), default)
        if isinstance(value, str) and value.isdecimal():
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise self._invalid(key, "a number above 0")
        return value

    def flag(self, key: str) -> bool:
        value = self._values.get(key.lower(), False)
        if isinstance(value, str) and value.lower() in {"true", "false"}:
            return value.lower() == "true"
        if not isinstance(value, bool):
            raise self._invalid(key, "true or false")
        return value

    def choice(self, key: str, default: str, other: str) -> bool:
        """Whether the value is `other`."""
        value = (self.text(key) or default).lower()
        if value not in {default.lower(), other.lower()}:
            raise self._invalid(key, f"{default} or {other}")
        return value == other.lower()

    def _invalid(self, key: str, expected: str) -> InvalidSetting:
        return InvalidSetting(f"{self._path}.{key} must be {expected}, not {self._values.get(key.lower())!r}")


def _hub_name(configured: str | None, environment: Mapping[str, str]) -> str:
    if configured is None:
        site = re.sub(r"[^A-Za-z0-9]", "", environment.get("WEBSITE_SITE_NAME", ""))[:45]
        return site if HUB_NAME.fullmatch(site) else "TestHubName"
    name = re.sub(r"%([^%]+)%", lambda match: environment.get(match[1], match[0]), configured)
    if not HUB_NAME.fullmatch(name):
        raise InvalidSetting(
            f"extensions.durableTask.hubName must be a letter and 2 to 44 letters or digits, not {name!r}",
        )
    return name
