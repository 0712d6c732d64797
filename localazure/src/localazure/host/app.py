"""Everything that is read before anything runs: settings, host.json, the app's functions."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta, tzinfo
from functools import cached_property
from pathlib import Path
from typing import Any

from localazure.durable.settings import TaskHubSettings
from localazure.errors import ConfigError
from localazure.host.app_loader import DEFAULT_SCRIPT, load_functions
from localazure.host.blob_trigger import BlobOptions
from localazure.host.host_json import Section, load_host_json
from localazure.host.host_json_keys import report_slips
from localazure.host.http.gateway import HttpOptions
from localazure.host.index import Index, build_index
from localazure.host.logs import configure_logging, keep_own_logs
from localazure.host.queue_options import QueueOptions
from localazure.host.settings import LocalHost, Settings, load_local_settings, set_host_defaults
from localazure.host.timer_trigger import time_zone
from localazure.host.trigger_kinds import TRIGGER_KINDS

log = logging.getLogger(__name__)

DEFAULT_PORT = 7071
_DEFAULT_TIME_LIMIT = timedelta(minutes=30)


@dataclass(frozen=True)
class App:
    """One function app, indexed. `port` is the one asked for, 0 for any."""

    root: Path
    settings: Settings
    host_json: Section
    local_host: LocalHost
    index: Index
    port: int

    @cached_property
    def http(self) -> HttpOptions:
        """`extensions.http`. Raises ConfigError."""
        return HttpOptions.read(self._extension("http"), self.settings)

    @cached_property
    def queues(self) -> QueueOptions:
        """`extensions.queues`. Raises ConfigError."""
        return QueueOptions.read(self._extension("queues"))

    @cached_property
    def blobs(self) -> BlobOptions:
        """`extensions.blobs`. Raises ConfigError."""
        return BlobOptions.read(self._extension("blobs"))

    @cached_property
    def zone(self) -> tzinfo:
        """In which schedules are read. Raises ConfigError."""
        return time_zone(self.settings)

    @cached_property
    def time_limit(self) -> timedelta | None:
        """`functionTimeout`; None when it is -1. Raises ConfigError."""
        if self.host_json.text("functionTimeout", "") == "-1":
            return None
        return self.host_json.duration("functionTimeout", _DEFAULT_TIME_LIMIT, at_least=timedelta(seconds=1))

    @cached_property
    def hub_settings(self) -> TaskHubSettings:
        """`extensions.durableTask`. Raises ConfigError."""
        try:
            return TaskHubSettings.from_host_json(self._extension("durableTask").values, os.environ)
        except ValueError as error:
            raise ConfigError(f"host.json: {error}") from error

    @property
    def threads(self) -> int | None:
        """How many plain functions may run at once; None for Python's default."""
        text = self.settings.get("PYTHON_THREADPOOL_THREAD_COUNT")
        return int(text) if text.isdecimal() and int(text) >= 1 else None

    def check_options(self) -> None:
        """Read all of them, so that a mistake is told before anything runs. Raises ConfigError."""
        _ = self.http, self.queues, self.blobs, self.zone, self.time_limit, self.hub_settings

    def _extension(self, name: str) -> Section:
        return self.host_json.section("extensions").section(name)


def load_app(root: Path, port: int | None, set_up_logs: Callable[[Mapping[str, Any]], None] = configure_logging) -> App:
    """Read settings, then host.json, then import and index the app. Raises ConfigError.

    `set_up_logs` is given the log levels by category before the app is imported.

    Changes the environment and the current directory, as the Functions host does for its worker.
    """
    if not root.is_dir():
        raise ConfigError(f"{root} is not a directory")
    local_host = load_local_settings(root, os.environ)
    wanted_port = next((p for p in (port, local_host.port) if p is not None), DEFAULT_PORT)
    set_host_defaults(root, os.environ, wanted_port)
    host_json = load_host_json(root / "host.json", os.environ)
    set_up_logs(host_json.section("logging").section("logLevel").values)
    report_slips(host_json)
    settings = Settings(os.environ)
    script = settings.get("PYTHON_SCRIPT_FILE_NAME", DEFAULT_SCRIPT)
    sdk_functions = load_functions(root, script)
    keep_own_logs()
    checks = {name: kind.check for name, kind in TRIGGER_KINDS.items()}
    index = build_index(sdk_functions, settings, host_json.items("functions"), checks)
    _report_idleness(index, script)
    app = App(root, settings, host_json, local_host, index, wanted_port)
    app.check_options()
    return app


def _report_idleness(index: Index, script: str) -> None:
    """An app that does nothing is rarely meant."""
    if not index.functions:
        log.warning(
            "No functions found: %s has an app without any. Those of a blueprint count once"
            " app.register_functions(blueprint) is called.",
            script,
        )
    elif not any(function.is_runnable for function in index.functions):
        log.warning("No function can run: all are in error, disabled, or not in the list of host.json.")
