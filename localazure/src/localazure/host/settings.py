"""The app's settings: local.settings.json merged into the environment, `%NAME%` expansion, connections."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localazure.errors import ConfigError
from localazure.host.errors import IndexingError
from localazure.host.json_input import read_object

log = logging.getLogger(__name__)

FILE = "local.settings.json"
STORAGE = "AzureWebJobsStorage"
COSMOS = "CosmosDB"
_LARGEST_PORT = 65_535
_PLACEHOLDER = re.compile(r"%([^%]+)%")


@dataclass(frozen=True)
class LocalHost:
    """The `Host` object of local.settings.json."""

    port: int | None = None
    cors_origins: tuple[str, ...] = ()
    cors_credentials: bool = False


@dataclass(frozen=True)
class Connection:
    """How to reach an account: a connection string, or the `X__...` settings of an identity-based connection."""

    name: str
    connection_string: str = ""
    identity: Mapping[str, str] = field(default_factory=dict)


class Settings:
    """Reads settings from the environment as the Functions host does: names match ignoring case."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment

    def get(self, name: str, default: str = "") -> str:
        """The value of a setting, or the default when it is absent or empty."""
        if value := self._environment.get(name):
            return value
        wanted = _canonical(name)
        return next((value for key, value in self._environment.items() if value and _canonical(key) == wanted), default)

    def is_true(self, name: str) -> bool:
        return self.get(name).lower() in {"true", "1"}

    def expand(self, text: str) -> str:
        """Replace every `%NAME%`. Raises IndexingError that names an undefined setting."""

        def value_of(match: re.Match[str]) -> str:
            if value := self.get(match[1]):
                return value
            raise IndexingError(f"'%{match[1]}%' does not resolve to a value: the setting '{match[1]}' is not defined.")

        return _PLACEHOLDER.sub(value_of, text)

    def connection(self, name: str) -> Connection:
        """Resolve the `connection` of a binding. Raises IndexingError when no setting answers to it."""
        for candidate in (name, f"AzureWebJobs{name}", f"ConnectionStrings:{name}"):
            if value := self.get(candidate):
                return Connection(name, connection_string=value)
        for prefix in (f"{name}__", f"AzureWebJobs{name}__"):
            if section := self._section(prefix):
                return Connection(name, identity=section)
        raise IndexingError(f"The connection '{name}' does not exist. Make sure that it is a defined App Setting.")

    def has_connection(self, name: str) -> bool:
        try:
            self.connection(name)
        except IndexingError:
            return False
        return True

    def _section(self, prefix: str) -> dict[str, str]:
        wanted = _canonical(prefix)
        return {
            key.replace(":", "__")[len(prefix) :]: value
            for key, value in self._environment.items()
            if value and _canonical(key).startswith(wanted)
        }


def _canonical(name: str) -> str:
    return name.replace(":", "__").lower()


def load_local_settings(root: Path, environment: MutableMapping[str, str]) -> LocalHost:
    """Merge `Values` into the environment, which wins over the file. Raises ConfigError."""
    path = root / FILE
    content = read_object(path, FILE) if path.exists() else {"IsEncrypted": False}
    if content.get("IsEncrypted", False):
        raise ConfigError(f"{FILE}: the settings are encrypted; decrypt them or set IsEncrypted to false")
    if "IsEncrypted" not in content:
        log.warning("%s: IsEncrypted is missing and taken as false.", FILE)
    values = _scalars(_object(content, "Values")) | _connection_strings(_object(content, "ConnectionStrings"))
    for name, value in values.items():
        if not environment.get(name):
            try:
                environment[name] = value
            except ValueError as error:
                raise ConfigError(f"{FILE}: {name!r} cannot be an environment variable: {error}") from None
    return _local_host(_object(content, "Host"))


def set_host_defaults(root: Path, environment: MutableMapping[str, str], port: int) -> None:
    """The settings that the local tool itself sets before the app is imported."""
    environment["AZURE_FUNCTIONS_ENVIRONMENT"] = "Development"
    environment["AzureWebJobsScriptRoot"] = str(root)
    environment.setdefault("FUNCTIONS_WORKER_RUNTIME", "python")
    environment.setdefault("WEBSITE_HOSTNAME", f"localhost:{port}")


def _object(content: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = content.get(key) or {}
    if not isinstance(value, dict):
        raise ConfigError(f"{FILE}: {key}: {value!r} is not an object")
    return value


def _scalars(given: Mapping[str, Any]) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, value in given.items():
        if isinstance(value, dict | list):
            raise ConfigError(f"{FILE}: Values.{name} must be a single value, not an object")
        if value is not None:
            values[name] = value if isinstance(value, str) else json.dumps(value)
    return values


def _connection_strings(entries: Mapping[str, Any]) -> dict[str, str]:
    texts = {
        name: entry.get("ConnectionString", "") if isinstance(entry, dict) else entry for name, entry in entries.items()
    }
    return {f"ConnectionStrings:{name}": str(text) for name, text in texts.items() if text}


def _local_host(host: Mapping[str, Any]) -> LocalHost:
    origins = tuple(origin.strip() for origin in str(host.get("CORS") or "").split(",") if origin.strip())
    credentials = str(host.get("CORSCredentials", False)).lower() == "true"
    if credentials and "*" in origins:
        raise ConfigError(f"{FILE}: Host.CORSCredentials cannot be used with the origin *")
    return LocalHost(_port(host.get("LocalHttpPort")), origins, credentials)


def _port(value: Any) -> int | None:
    if value is not None and not (str(value).isdecimal() and int(value) <= _LARGEST_PORT):
        raise ConfigError(f"{FILE}: Host.LocalHttpPort: {value!r} is not a port number")
    return None if value is None else int(value)
