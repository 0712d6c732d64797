"""The rules of the style guide that a machine can check."""

from __future__ import annotations

import ast
import inspect
import re
import socket
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from activities import ACTIVITIES
from domain import names
from orchestrators import ORCHESTRATORS
from tests.unit.conftest import SETTINGS
from triggers.http import ROUTES
from triggers.second_chances import FOLLOWERS

ROOT = Path(__file__).resolve().parents[2]
APP = ("domain", "adapters", "activities", "orchestrators", "triggers")
REPOSITORIES = ("orders", "products", "stock", "idempotency", "views", "dead_letters", "users")
ACROSS_TENANTS = {"expired_reservations", "digest", "body_hash"}  # the sweep by timer, and pure helpers


def modules(*packages: str) -> list[Path]:
    return [path for package in packages for path in sorted((ROOT / package).rglob("*.py"))]


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def is_below(module: str, *packages: str) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize("activity", ACTIVITIES, ids=lambda activity: activity.__name__)
def test_activity_says_what_goes_in_and_out_what_it_raises_and_what_twice_means(activity: Callable[..., Any]) -> None:
    sections = re.findall(r"^(In|Out|Raises|Twice) ", inspect.getdoc(activity) or "", re.MULTILINE)

    assert sections == ["In", "Out", "Raises", "Twice"]


@pytest.mark.parametrize(
    "function",
    [*ACTIVITIES, *ORCHESTRATORS, *(route.handler for route in ROUTES)],
    ids=lambda function: function.__name__,
)
def test_function_lives_in_the_file_of_its_name(function: Callable[..., Any]) -> None:
    assert Path(inspect.getfile(function)).stem == function.__name__


def test_every_name_is_registered_and_every_function_is_named() -> None:
    functions = import_module("function_app").app.get_functions()
    by_kind: dict[str, set[str]] = {}
    for function in functions:
        by_kind.setdefault(function.get_trigger().type, set()).add(function.get_function_name())

    assert by_kind["activityTrigger"] == set(names.ACTIVITIES)
    assert by_kind["orchestrationTrigger"] == set(names.ORCHESTRATORS)
    assert set(names.SUCCESSORS.values()) <= set(names.ORCHESTRATORS)
    assert names.SHIP_PARCEL not in names.SUCCESSORS, "a parent starts its children by the names in its code"
    assert by_kind["cosmosDBTrigger"] == set(FOLLOWERS), "what a follower parks can be replayed"
    assert by_kind["httpTrigger"] == {route.handler.__name__ for route in ROUTES}
    assert len(functions) == len({function.get_function_name().lower() for function in functions})
    for function in functions:
        assert all("_" not in binding.name for binding in function.get_bindings()), "the host allows no underscore"


def test_importing_the_app_connects_to_nothing() -> None:
    script = (
        "import socket\n"
        "def refuse(*_): raise AssertionError('connected at import')\n"
        "socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse\n"
        "import function_app, sys\n"
        "slow = {'stripe', 'azure.identity', 'azure.keyvault.secrets'} & set(sys.modules)\n"
        "assert not slow, slow\n"
    )
    environment = {**SETTINGS, "PYTHONPATH": str(ROOT)}

    done = subprocess.run(
        [sys.executable, "-c", script], check=False, env=environment, cwd=ROOT, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    assert socket.socket.connect  # only the other process was patched


@pytest.mark.parametrize("path", modules(*APP), ids=lambda path: str(path.relative_to(ROOT)))
def test_dependencies_point_inwards(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    forbidden = {
        "domain": ("adapters", "activities", "orchestrators", "triggers", "azure", "asyncio", "aiohttp"),
        "adapters": ("activities", "orchestrators", "triggers", "azure.functions", "azure.durable_functions"),
        "orchestrators": ("adapters", "activities", "triggers"),
        "activities": ("orchestrators", "triggers"),
        "triggers": ("activities", "orchestrators"),
    }[package]

    assert not [name for name in imports(path) if is_below(name, *forbidden, "localazure", "sandbox", "tests")]


@pytest.mark.parametrize("path", modules("orchestrators"), ids=lambda path: path.name)
def test_orchestrators_can_only_decide(path: Path) -> None:
    allowed = (
        "__future__",
        "collections.abc",
        "datetime",
        "json",
        "typing",
        "re",
        "domain",
        "orchestrators",
        "azure.durable_functions",
    )

    assert all(is_below(name, *allowed) for name in imports(path))
    assert not [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.AsyncFunctionDef)]


@pytest.mark.parametrize("name", REPOSITORIES)
def test_repository_functions_take_the_tenant_first(name: str) -> None:
    module = import_module(f"adapters.{name}")

    functions = {name: function for name, function in own_functions(module).items() if name not in ACROSS_TENANTS}
    assert functions
    for function_name, function in functions.items():
        assert next(iter(inspect.signature(function).parameters)) == "tenant_id", function_name


def own_functions(module: ModuleType) -> dict[str, Callable[..., Any]]:
    return {
        name: function
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if function.__module__ == module.__name__ and not name.startswith("_")
    }


def test_no_module_outgrows_its_reader() -> None:
    limits = dict.fromkeys(names.ACTIVITIES, 80) | dict.fromkeys(names.ORCHESTRATORS, 120) | {"function_app": 40}
    limits |= {route.handler.__name__: 60 for route in ROUTES}

    for path in [*modules(*APP), ROOT / "function_app.py"]:
        assert len(path.read_text().splitlines()) <= limits.get(path.stem, 300), path
