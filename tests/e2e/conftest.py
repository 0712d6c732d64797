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
from typing import Any

import pytest
import requests
from localazure.testing import System

from sandbox.client import Client, Staff, expect
from tests.e2e.faults import Fault
from tests.e2e.words import PRICE

APP = Path(__file__).resolve().parents[2]

ENDPOINTS_FILE = Path(os.environ.get("ENDPOINTS_FILE", APP / ".localazure/endpoints.json"))

Endpoints = dict[str, str]
ClientOf = Callable[..., Client]
FaultAt = Callable[[str, dict[str, Any]], Fault]
Settings = Callable[..., None]
Ledger = Callable[[str], tuple[int, int, int, int]]


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
    known: Endpoints = json.loads(ENDPOINTS_FILE.read_text()) if ENDPOINTS_FILE.exists() else {}
    return known | {"api": os.environ["BASE_URL"].rstrip("/")}


@pytest.fixture(scope="session")
def token_of(system: System | None) -> Callable[..., str]:
    """A bearer token: `token_of(tenant=…, role=…, subject=…)`."""
    if system is not None:
        return system.token

    @cache
    def ask(**claims: str | tuple[str, ...]) -> str:
        command = shlex.split(os.environ.get("TOKEN_COMMAND", "localazure token"))
        given = [(name, [value] if isinstance(value, str) else value) for name, value in claims.items()]
        flags = [part for name, values in given for value in values for part in (f"--{name}", value)]
        done = subprocess.run(command + flags, check=True, capture_output=True, text=True, cwd=APP)
        return done.stdout.strip()

    return ask


@pytest.fixture(scope="session")
def client_of(endpoints: Endpoints, token_of: Callable[..., str]) -> ClientOf:
    """A client: `client_of("demo", "operator")`, or with several roles. One token per tenant, role and subject."""

    @cache
    def make(tenant: str, role: str | tuple[str, ...] = "operator", subject: str = "u-1") -> Client:
        return Client(endpoints["api"], token_of(tenant=tenant, role=role, subject=subject))

    return make


@pytest.fixture(scope="session")
def operator(client_of: ClientOf) -> Client:
    """An operator of a tenant that no other run uses."""
    return client_of(f"t-{uuid.uuid4().hex[:8]}")


@pytest.fixture(scope="session")
def staff(client_of: ClientOf) -> Staff:
    """Everybody who deals with the orders of one tenant that no other run uses."""
    tenant = f"t-{uuid.uuid4().hex[:8]}"
    return Staff.of(lambda role, subject: client_of(tenant, role, subject))


@pytest.fixture
def fault(system: System | None, endpoints: Endpoints) -> FaultAt:
    """Trouble at a part of the system: `with fault("payments", rule)`; skips the test where the part is not known."""
    state = system.state if system else ENDPOINTS_FILE.parent

    def make(part: str, rule: dict[str, Any]) -> Fault:
        if part not in endpoints:
            pytest.skip(f"nobody knows where {part} is")
        return Fault(endpoints, state, part, rule)

    return make


@pytest.fixture
def sku() -> str:
    """A SKU that no other test uses."""
    return f"SKU-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def settings(staff: Staff) -> Iterator[Settings]:
    """Sets the tenant's settings for one test."""

    def put(**wanted: Any) -> None:
        expect(staff.admin.put("/v1/settings", wanted), 200)

    yield put
    put()


@pytest.fixture
def ledger(endpoints: Endpoints) -> Ledger:
    """What the provider says of an order's money: authorised, captured, refunded, voided."""

    def read(order_id: str) -> tuple[int, int, int, int]:
        if "payments" not in endpoints:
            pytest.skip("nobody knows where payments is")
        entry = requests.get(f"{endpoints['payments']}/_sandbox/ledger/{order_id}", timeout=10).json()
        return entry["authorised"], entry["captured"], entry["refunded"], entry["voided"]

    return read


@pytest.fixture
def two(staff: Staff, sku: str) -> tuple[str, str]:
    """A SKU in each of two warehouses, ten pieces each."""
    staff.operator.stock_up(sku, 10, amount_minor=PRICE, warehouse="berlin")
    staff.operator.stock_up(f"{sku}-H", 10, amount_minor=300, warehouse="hamburg")
    return sku, f"{sku}-H"
