"""The services process alone, and whole servers with the app in `shop/`, each once for all tests of this folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
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


@dataclass(frozen=True)
class Server:
    """A running `localazure start`."""

    app: Path
    process: subprocess.Popen[bytes]

    @property
    def state(self) -> Path:
        return self.app / ".localazure"

    @property
    def output(self) -> str:
        return (self.app / "output.txt").read_text()

    @property
    def endpoints(self) -> dict[str, str]:
        return json.loads((self.state / "endpoints.json").read_text())

    @property
    def pids(self) -> dict[str, int]:
        return json.loads((self.state / "pids.json").read_text())

    @property
    def host_environment(self) -> dict[str, str]:
        """What another host gets by sourcing the file that is made for it."""
        print_environment = f"{sys.executable} -c 'import json, os; print(json.dumps(dict(os.environ)))'"
        shell = f"set -a; . {self.state}/host.env; {print_environment}"
        done = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True)
        return json.loads(done.stdout)


@pytest.fixture(scope="session")
def make_app(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Make a fresh copy of the app `shop`: no functions, one companion."""
    return lambda: Path(shutil.copytree(Path(__file__).parent / "shop", tmp_path_factory.mktemp("app") / "shop"))


@pytest.fixture(scope="session")
def command() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a localazure command to its end: `command(app, "status")`."""

    def run(app: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", "localazure", *arguments, "--app", str(app)]
        return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)

    return run


@pytest.fixture(scope="session")
def started() -> Callable[..., AbstractContextManager[Server]]:
    """`with started(app, *arguments) as server:` a server that is ready; what is left of it is killed at the end."""

    @contextmanager
    def start(app: Path, *arguments: str) -> Iterator[Server]:
        ready_end, ready = os.pipe()
        words = [sys.executable, "-m", "localazure", "start", "--services-only", "--free-ports", *arguments]
        with (app / "output.txt").open("ab") as output:
            environment = {**os.environ, READY_FD: str(ready)}
            process = subprocess.Popen(
                [*words, "--app", str(app)], env=environment, pass_fds=(ready,), stdout=output, stderr=output
            )
        os.close(ready)
        server = Server(app, process)
        try:
            with os.fdopen(ready_end) as facts:
                assert facts.read(), server.output
            yield server
        finally:
            process.kill()
            process.wait()

    return start


@pytest.fixture(scope="session")
def server(make_app: Callable[[], Path], started: Callable[..., AbstractContextManager[Server]]) -> Iterator[Server]:
    """One server for all tests that do not end it."""
    with started(make_app()) as running:
        yield running
