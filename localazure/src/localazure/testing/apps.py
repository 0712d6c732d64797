"""What a hub under test runs: an app folder as the host loads it, or functions put together for the test."""

from __future__ import annotations

import inspect
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import azure.durable_functions as df
from azure.functions import AuthLevel, DecoratorApi

from localazure.errors import ConfigError
from localazure.host.app import App, load_app
from localazure.host.host_json import Section
from localazure.host.index import Index, build_index
from localazure.host.settings import FILE, LocalHost, Settings
from localazure.host.trigger_kinds import TRIGGER_KINDS
from localazure.testing.errors import TestingError
from localazure.testing.modules import modules_of
from localazure.testing.stand_ins import Answer, declare

SAMPLE = "local.settings.sample.json"

_CHECKS = {name: kind.check for name, kind in TRIGGER_KINDS.items()}


@dataclass
class _Loaded:
    """An app that this process has imported: it cannot be imported, nor asked for its functions, a second time."""

    modules: dict[str, ModuleType] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    app: App | None = None


_loaded: dict[Path, _Loaded] = {}


@contextmanager
def app_folder(root: Path, settings: Mapping[str, str]) -> Iterator[App]:
    """The app in `root`, with the environment, current directory and modules that it expects until the end.

    `settings` come before those of local.settings.json, or of its sample where that is missing. Raises ConfigError.
    """
    root = root.resolve()
    entry = _loaded.setdefault(root, _Loaded())
    with ExitStack() as stack:
        stack.enter_context(modules_of(root, entry.modules))
        stack.enter_context(_restored())
        os.environ.update(settings)
        if entry.app is None:
            before = dict(os.environ)
            _apply_sample(root)
            entry.app = _complete(load_app(root, None, lambda _: None))
            entry.environment = {name: value for name, value in os.environ.items() if before.get(name) != value}
        for name, value in entry.environment.items():
            os.environ.setdefault(name, value)
        os.chdir(root)
        if sys.path[:1] != [str(root)]:
            sys.path.insert(0, str(root))
        yield entry.app


@contextmanager
def _restored() -> Iterator[None]:
    environment, folder, path = dict(os.environ), Path.cwd(), list(sys.path)
    try:
        yield
    finally:
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
        os.environ.update(environment)
        os.chdir(folder)
        sys.path[:] = path


def _apply_sample(root: Path) -> None:
    sample = root / SAMPLE
    if sample.exists() and not (root / FILE).exists():
        for name, value in json.loads(sample.read_text("utf-8-sig")).get("Values", {}).items():
            os.environ.setdefault(name, str(value))


def _complete(app: App) -> App:
    """Raises ConfigError for a function that cannot run: a test would only find it missing."""
    if app.index.errors:
        raise ConfigError(f"{app.root} has functions in error: {'; '.join(app.index.errors)}")
    return app


def app_of(
    base: DecoratorApi | None,
    orchestrators: Iterable[Any],
    entities: Iterable[Any],
    activities: Mapping[str, Answer],
    host_json: Mapping[str, Any],
) -> App:
    """An app of these plain functions and, when it is given, of those of a blueprint or app object.

    Activities that `base` has as well are left to be replaced. Raises ConfigError.
    """
    made = df.Blueprint()
    for function in orchestrators:
        made.orchestration_trigger(context_name=_parameter(function))(function)
    for function in entities:
        made.entity_trigger(context_name=_parameter(function))(function)
    sdk_functions = _functions_of(made) + (_functions_of(base) if base is not None else [])
    known = {function.durable_name.lower() for function in _index(sdk_functions).runnable("activitytrigger")}
    missing = {name: answer for name, answer in activities.items() if name.lower() not in known}
    index = _index(sdk_functions + _stand_ins(missing))
    return _complete(App(Path.cwd(), Settings(os.environ), Section("", host_json), LocalHost(), index, 0))


def stand_in_index(stand_ins: Mapping[str, Answer]) -> Index:
    """The hosted functions that stand for activities."""
    return _index(_stand_ins(stand_ins))


def _stand_ins(answers: Mapping[str, Answer]) -> list[Any]:
    made = df.Blueprint()
    declare(made, answers)
    return _functions_of(made)


def _parameter(function: Any) -> str:
    if not inspect.isfunction(function):
        raise TestingError(f"{function!r} is no plain function; give decorated ones as a blueprint: Hub(blueprint)")
    return next(iter(inspect.signature(function).parameters), "context")


def _functions_of(declared: DecoratorApi) -> list[Any]:
    """The SDK's own `get_functions` remembers names and refuses a second call; and it wants HTTP functions."""
    return [builder.build(AuthLevel.ANONYMOUS) for builder in declared._function_builders]


def _index(sdk_functions: list[Any]) -> Index:
    return build_index(sdk_functions, Settings(os.environ), None, _CHECKS)
