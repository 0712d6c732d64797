"""The system under test: the one at BASE_URL, else one that is started here on free ports.

With BASE_URL, tokens come from the command in TOKEN_COMMAND (default: `localazure token`), called with --tenant, --role
and --subject; other parts (queues, Cosmos DB, the sandbox) are found in the endpoints file named by ENDPOINTS_FILE
(default: `.localazure/endpoints.json`). Tests that kill processes always start a system of their own.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import uuid
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from localazure.testing import System

from sandbox.client import Client

APP = Path(__file__).resolve().parents[2]

Endpoints = dict[str, str]
ClientOf = Callable[..., Client]


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System | None]:
    """The whole system in processes of its own, or None when BASE_URL names one."""
    if os.environ.get("BASE_URL"):
        yield None
        return
    with System(app=APP, state=tmp_path_factory.mktemp("system") / "state") as started:
        yield started


@pytest.fixture(scope="session")
def endpoints(system: System | None) -> Endpoints:
    """Name → URL of what runs; `api` always, the rest where it is known."""
    if system is not None:
        return system.endpoints
    file = Path(os.environ.get("ENDPOINTS_FILE", APP / ".localazure/endpoints.json"))
    known: Endpoints = json.loads(file.read_text()) if file.exists() else {}
    return known | {"api": os.environ["BASE_URL"].rstrip("/")}


@pytest.fixture(scope="session")
def token_of(system: System | None) -> Callable[..., str]:
    """A bearer token: `token_of(tenant=…, role=…, subject=…)`."""
    if system is not None:
        return system.token

    @cache
    def ask(**claims: str) -> str:
        command = shlex.split(os.environ.get("TOKEN_COMMAND", "localazure token"))
        flags = [part for name, value in claims.items() for part in (f"--{name}", value)]
        done = subprocess.run(command + flags, check=True, capture_output=True, text=True, cwd=APP)
        return done.stdout.strip()

    return ask


@pytest.fixture(scope="session")
def client_of(endpoints: Endpoints, token_of: Callable[..., str]) -> ClientOf:
    """A client: `client_of("demo", "operator")`. One token per tenant, role and subject."""

    @cache
    def make(tenant: str, role: str = "operator", subject: str = "u-1") -> Client:
        return Client(endpoints["api"], token_of(tenant=tenant, role=role, subject=subject))

    return make


@pytest.fixture(scope="session")
def operator(client_of: ClientOf) -> Client:
    """An operator of a tenant that no other run uses."""
    return client_of(f"t-{uuid.uuid4().hex[:8]}")


@pytest.fixture
def sku() -> str:
    """A SKU that no other test uses."""
    return f"SKU-{uuid.uuid4().hex[:8]}"
