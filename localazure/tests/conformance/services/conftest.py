"""The services process as the server starts it, once for all tests of this folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from localazure.child import PARENT_FD, READY_FD
from localazure.keys import SigningKey, identity_header
from localazure.state import StateFolder


@dataclass(frozen=True)
class Services:
    """Where the running services are, and what signs for them."""

    state: StateFolder
    identity: str
    keyvault: str
    issuer: str

    @property
    def bundle(self) -> str:
        return str(self.state.tls / "bundle.pem")

    @property
    def identity_key(self) -> SigningKey:
        return SigningKey.load(self.state.keys, "identity")

    def client_environment(self) -> dict[str, str]:
        """What the server gives to the host."""
        return {
            "IDENTITY_ENDPOINT": self.identity,
            "IDENTITY_HEADER": identity_header(self.state.keys),
            "SSL_CERT_FILE": self.bundle,
            "REQUESTS_CA_BUNDLE": self.bundle,
        }


@pytest.fixture(scope="session")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Running services on free ports."""
    state = tmp_path_factory.mktemp("services")
    ready_end, ready = os.pipe()
    parent, parent_end = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "localazure.services", "--state", str(state)],
        env={**os.environ, READY_FD: str(ready), PARENT_FD: str(parent)},
        pass_fds=(ready, parent),
    )
    os.close(ready)
    os.close(parent)
    with os.fdopen(ready_end) as facts_file:
        facts = json.loads(facts_file.read())
    del facts["pid"]
    yield Services(StateFolder(Path(state)), **facts)
    os.close(parent_end)  # the services end by themselves once their server is gone
    process.wait(timeout=10)
    assert process.returncode == 0


@pytest.fixture
def as_the_app(services: Services, monkeypatch: pytest.MonkeyPatch) -> Services:
    """The services, with this process's environment set as the host's."""
    for name, value in services.client_environment().items():
        monkeypatch.setenv(name, value)
    return services
