"""Imports the function app as the Python worker does and asks it, once, for its functions."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from azure.functions import FunctionRegister

from localazure.errors import ConfigError
from localazure.host.tracebacks import user_traceback

DEFAULT_SCRIPT = "function_app.py"


def load_functions(root: Path, script: str) -> list[Any]:
    """The SDK's function objects in the order of decoration. Raises ConfigError for whatever stops the whole app.

    Makes `root` the current directory and the first place to import from.
    """
    if not (root / script).is_file():
        raise ConfigError(f"{script} was not found in {root}")
    os.chdir(root)
    if sys.path[:1] != [str(root)]:
        sys.path.insert(0, str(root))
    app = _app_object(_imported(root, script), script)
    # The SDK remembers names: whoever has asked before (a test of the app) makes every function look like a duplicate.
    app.functions_bindings = None
    try:
        return list(app.get_functions())
    except Exception as error:
        raise ConfigError(_one_line(script, error)) from error  # it is raised inside the SDK: no frame would help


def _imported(root: Path, script: str) -> ModuleType:
    try:
        return importlib.import_module(Path(script).stem)
    except SyntaxError as error:
        place = f"{_relative(error.filename, root)}:{error.lineno}"
        raise ConfigError(f"{place}: {type(error).__name__}: {error.msg}", (error.text or "").rstrip()) from error
    except ModuleNotFoundError as error:
        hint = "Is it in requirements.txt and installed?"
        raise ConfigError(f"{script}: ModuleNotFoundError: {error}. {hint}", user_traceback(error, root)) from error
    except (Exception, SystemExit) as error:
        raise ConfigError(_one_line(script, error), user_traceback(error, root)) from error


def _one_line(script: str, error: BaseException) -> str:
    first_line = (str(error).splitlines() or [""])[0]
    return f"{script}: {type(error).__name__}: {first_line}"


def _app_object(module: ModuleType, script: str) -> FunctionRegister:
    apps = {id(value): value for value in vars(module).values() if isinstance(value, FunctionRegister)}
    if not apps:
        raise ConfigError(f"Could not find top level function app instances in {script}.")
    if len(apps) > 1:
        raise ConfigError("More than one FunctionApp or other top level function app instances are defined.")
    return next(iter(apps.values()))


def _relative(filename: str | None, root: Path) -> str:
    path = Path(filename or "?")
    return str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
