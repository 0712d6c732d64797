"""Reads what describes an app to localazure: `localazure.toml`, and what matters here of the Functions host's files.

Every key is checked before anything starts; an error names the file and the key.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from localazure.endpoints import SERVICE_PORTS
from localazure.errors import ConfigError
from localazure.host.host_json import load_host_json
from localazure.host.settings import load_local_settings

FILE = "localazure.toml"
STATE = ".localazure"


@dataclass(frozen=True)
class SecretSource:
    """A secret made at the first start: a fixed value, or a prefix with random text behind it."""

    value: str | None
    random_prefix: str


@dataclass(frozen=True)
class Container:
    """A Cosmos DB container as it is to be made."""

    id: str
    partition_key: tuple[str, ...]
    default_ttl: int | None
    unique_keys: tuple[tuple[str, ...], ...]
    indexing_policy: Mapping[str, Any] | None


@dataclass(frozen=True)
class Database:
    """A Cosmos DB database with its containers."""

    id: str
    containers: tuple[Container, ...]


@dataclass(frozen=True)
class Companion:
    """A program of the app's own that runs beside it, such as a simulator of someone else's service.

    `ports` is by port name, as `--port` takes it; placeholders in command and environment are not yet replaced.
    """

    name: str
    command: tuple[str, ...]
    ports: Mapping[str, int]
    environment: Mapping[str, str]


@dataclass(frozen=True)
class Config:
    """All there is to know about an app before it starts."""

    app: Path
    settings: Mapping[str, str] = field(default_factory=dict)
    audience: str | None = None
    secrets: Mapping[str, SecretSource] = field(default_factory=dict)
    databases: tuple[Database, ...] = ()
    queues: tuple[str, ...] = ()
    companions: tuple[Companion, ...] = ()
    ready_command: tuple[str, ...] = ()
    route_prefix: str = "api"
    api_port: int = SERVICE_PORTS["api"]

    @property
    def default_ports(self) -> dict[str, int]:
        """Every port by name, with what it is unless the command line says otherwise."""
        companions = {name: port for companion in self.companions for name, port in companion.ports.items()}
        return {**SERVICE_PORTS, "api": self.api_port, **companions}


class Table:
    """One table of a file, read key by key; what nobody asked for is an unknown key."""

    def __init__(self, where: str, values: Any) -> None:
        self.where = where
        if not isinstance(values, dict):
            raise ConfigError(f"{where} must be a table")
        self._values: dict[str, Any] = dict(values)

    def text(self, key: str) -> str | None:
        value: str | None = self._take(key, str, "a text")
        return value

    def required_text(self, key: str) -> str:
        value = self.text(key)
        if not value:
            raise ConfigError(f"{self.where}: {key} is missing")
        return value

    def integer(self, key: str) -> int | None:
        value: int | None = self._take(key, int, "a number")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        values: list[Any] = self._take(key, list, "a list of texts") or []
        if not all(isinstance(value, str) for value in values):
            raise ConfigError(f"{self.where}: {key} must be a list of texts")
        return tuple(values)

    def list(self, key: str) -> list[Any]:
        return self._take(key, list, "a list") or []

    def table(self, key: str) -> Table:
        return Table(f"{self.where}: {key}", self._values.pop(key, {}))

    def optional_object(self, key: str) -> dict[str, Any] | None:
        value: dict[str, Any] | None = self._take(key, dict, "an object")
        return value

    def rest(self) -> dict[str, Any]:
        """All that is left, where keys are names of the app's own."""
        values, self._values = self._values, {}
        return values

    def rest_of_texts(self) -> dict[str, str]:
        return {key: _setting_text(value, f"{self.where}: {key}") for key, value in self.rest().items()}

    def end(self) -> None:
        """ConfigError if a key is left over."""
        if self._values:
            raise ConfigError(f"{self.where}: unknown key {', '.join(map(repr, self._values))}")

    def _take(self, key: str, kind: type[Any], called: str) -> Any:
        value = self._values.pop(key, None)
        if value is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            raise ConfigError(f"{self.where}: {key} must be {called}")
        return value


def load_config(app: Path, environment: Mapping[str, str] = os.environ) -> Config:
    """Read the app in this folder. ConfigError when it is no Functions app or a file cannot be used."""
    if not (app / "host.json").exists():
        raise ConfigError(f"{app} holds no host.json, so it is no Functions app; name its folder with --app")
    host_json = load_host_json(app / "host.json", environment)
    local_host = load_local_settings(app, dict(environment))
    return Config(
        app=app,
        **_read_toml(app),
        route_prefix=host_json.section("extensions").section("http").text("routePrefix", "api").strip("/"),
        api_port=local_host.port or SERVICE_PORTS["api"],
    )


def _read_toml(app: Path) -> dict[str, Any]:
    path = app / FILE
    try:
        root = Table(FILE, tomllib.loads(path.read_text())) if path.exists() else Table(FILE, {})
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{FILE}: {error}") from error
    settings = root.table("settings").rest_of_texts()
    auth, cosmos, storage, ready = (root.table(key) for key in ("auth", "cosmos", "storage", "ready"))
    containers = cosmos.text("containers")
    companions = tuple(_read_companion(values) for values in root.list("companion"))
    _refuse_name_clashes(companions)
    content = {
        "settings": settings,
        "audience": auth.text("audience"),
        "secrets": _read_secrets(root.table("secrets")),
        "databases": (_read_database(app, containers),) if containers else (),
        "queues": storage.texts("queues"),
        "companions": companions,
        "ready_command": ready.texts("command"),
    }
    for table in (root, auth, cosmos, storage, ready):
        table.end()
    return content


def _setting_text(value: Any, where: str) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        raise ConfigError(f"{where} must be a text, a number or true or false")
    return str(value)


def _read_secrets(table: Table) -> dict[str, SecretSource]:
    secrets = {}
    for name, value in table.rest().items():
        if isinstance(value, str):
            secrets[name] = SecretSource(value, "")
            continue
        source = Table(f"{table.where}: {name}", value)
        secrets[name] = SecretSource(None, source.required_text("random"))
        source.end()
    return secrets


def _read_companion(values: Any) -> Companion:
    table = Table(f"{FILE}: [[companion]]", values)
    name = table.required_text("name")
    table.where = f"{FILE}: [[companion]] {name}"
    port, ports = table.integer("port"), table.table("ports").rest()
    if port is not None and ports:
        raise ConfigError(f"{table.where}: has both port and ports; keep one")
    named = {name: port} if port is not None else {f"{name}.{key}": value for key, value in ports.items()}
    if not all(isinstance(number, int) and 0 <= number < 65_536 for number in named.values()):
        raise ConfigError(f"{table.where}: a port must be a number below 65536")
    companion = Companion(name, table.texts("command"), named, table.table("env").rest_of_texts())
    if not companion.command:
        raise ConfigError(f"{table.where}: command is missing")
    table.end()
    return companion


def _refuse_name_clashes(companions: tuple[Companion, ...]) -> None:
    taken = {*SERVICE_PORTS, "host", "azurite", "services", "server", "storage", "secrets", "tls"}
    for companion in companions:
        if companion.name in taken:
            raise ConfigError(f"{FILE}: [[companion]] {companion.name}: the name is taken; choose another")
        taken.add(companion.name)


def _read_database(app: Path, file: str) -> Database:
    try:
        content = json.loads((app / file).read_text())
    except (OSError, ValueError) as error:
        raise ConfigError(f"{FILE}: [cosmos] containers: {file} cannot be read: {error}") from error
    table = Table(file, content)
    database = Database(
        table.required_text("database"), tuple(_read_container(file, v) for v in table.list("containers"))
    )
    table.end()
    return database


def _read_container(file: str, values: Any) -> Container:
    table = Table(f"{file}: containers", values)
    container_id = table.required_text("id")
    table.where = f"{file}: container {container_id}"
    partition_key = table.texts("partitionKey")
    if not 1 <= len(partition_key) <= 3 or not all(path.startswith("/") for path in partition_key):
        raise ConfigError(f"{table.where}: partitionKey must be one to three paths such as /tenantId")
    container = Container(
        container_id,
        partition_key,
        table.integer("defaultTtl"),
        tuple(tuple(paths) for paths in table.list("uniqueKeys")),
        table.optional_object("indexingPolicy"),
    )
    table.end()
    return container
