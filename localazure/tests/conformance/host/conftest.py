"""A host as its users run it: a process of its own, real HTTP, a real Azurite, the Cosmos emulator."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from azure.cosmos.aio import CosmosClient
from azure.storage.blob.aio import BlobServiceClient
from azure.storage.queue.aio import QueueServiceClient
from localazure.child import PARENT_FD, READY_FD

LOCALAZURE = Path(__file__).parents[3]
APPS = LOCALAZURE / "tests" / "apps"
AZURITE = LOCALAZURE / "azurite" / "node_modules" / "azurite" / "dist" / "src" / "azurite.js"
STORAGE_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
COSMOS_KEY = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="
RECORD = re.compile(r"\[Function\.(\w+)\.User\] record (.*)")


class Child:
    """A server process that announces its readiness as localazure's children do."""

    def __init__(self, arguments: list[str], log: Path, environment: dict[str, str]) -> None:
        ready, ready_end = os.pipe()
        parent, self._parent_end = os.pipe()
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                stdout=subprocess.PIPE,
                stderr=output,
                env=environment | {READY_FD: str(ready_end), PARENT_FD: str(parent)},
                pass_fds=(ready_end, parent),
            )
        os.close(ready_end)
        os.close(parent)
        self.log = log
        with os.fdopen(ready) as facts:
            text = facts.read()
        self.facts: dict[str, Any] = json.loads(text) if text else {}

    def stop(self) -> int:
        """End it as the server would; returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self._ended()

    def kill(self) -> None:
        self.process.kill()
        self._ended()

    def _ended(self) -> int:
        self.process.communicate(timeout=20)
        with contextlib.suppress(OSError):
            os.close(self._parent_end)
        return self.process.returncode


class RunningHost(Child):
    """A host and what its functions recorded with `logging.info("record %s", json)`."""

    @property
    def url(self) -> str:
        assert "url" in self.facts, self.log_text()
        return str(self.facts["url"])

    def log_text(self) -> str:
        return self.log.read_text()

    def records(self, function: str) -> list[Any]:
        found = RECORD.finditer(self.log_text())
        return [json.loads(match[2]) for match in found if match[1] == function]

    async def recorded(self, function: str, count: int = 1, within_s: float = 15) -> list[Any]:
        """What a function recorded, once it did so often."""
        await eventually(lambda: len(self.records(function)) >= count, within_s, self.log_text)
        return self.records(function)

    async def logged(self, text: str, within_s: float = 15) -> None:
        await eventually(lambda: text in self.log_text(), within_s, self.log_text)


async def eventually(
    condition: Callable[[], bool | Awaitable[bool]], within_s: float = 10, explain: Callable[[], str] = str
) -> None:
    """Wait until a condition holds; fail after the deadline."""
    end = time.monotonic() + within_s
    while True:
        found = condition()
        if found if isinstance(found, bool) else await found:
            return
        assert time.monotonic() < end, f"not within {within_s} s\n{explain()[-6000:]}"
        await asyncio.sleep(0.02)


class Hosts:
    """Starts hosts for tests and ends those that are still running."""

    def __init__(self, folder: Path, settings: dict[str, str]) -> None:
        self._folder = folder
        self._settings = settings
        self._started: list[RunningHost] = []

    def start(self, app: str | Path, *arguments: str, state: str = "state", **settings: str) -> RunningHost:
        """`app` is the name of a fixture app or a directory; settings may use `.` as in `AzureWebJobs.f.Disabled`."""
        root = app if isinstance(app, Path) else APPS / app
        options = ["--port", "0", "--rpc-port", "0", "--state", str(self._folder / state), *arguments]
        inherited = {name: value for name, value in os.environ.items() if name != "AzureWebJobsStorage"}
        environment = inherited | self._settings | settings
        log = self._folder / f"host-{len(self._started)}.log"
        host = RunningHost(["localazure.host", "--app", str(root), *options], log, environment)
        self._started.append(host)
        return host

    def stop_all(self) -> None:
        for host in self._started:
            if host.process.poll() is None:
                host.kill()


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The connection string of a fresh Azurite."""
    folder = tmp_path_factory.mktemp("azurite")
    ports = _free_ports(3)
    names = ("--blobPort", "--queuePort", "--tablePort")
    flags = [text for name, port in zip(names, ports, strict=True) for text in (name, str(port))]
    quiet = ["--skipApiVersionCheck", "--disableTelemetry", "--silent", "--loose"]
    process = subprocess.Popen(["node", str(AZURITE), "-l", str(folder), *flags, *quiet], stdout=subprocess.DEVNULL)
    for port in ports:
        _wait_for_port(port)
    yield (
        f"DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey={STORAGE_KEY};"
        f"BlobEndpoint=http://127.0.0.1:{ports[0]}/devstoreaccount1;"
        f"QueueEndpoint=http://127.0.0.1:{ports[1]}/devstoreaccount1;"
    )
    process.terminate()
    process.wait(timeout=10)


@pytest.fixture(scope="session")
def cosmos_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The endpoint of a fresh Cosmos emulator."""
    child = start_cosmos(tmp_path_factory.mktemp("cosmos"))
    yield str(child.facts["url"])
    child.stop()


def start_cosmos(folder: Path, port: int = 0) -> Child:
    """A Cosmos emulator with its data in `folder`."""
    arguments = ["localazure.cosmos", "--port", str(port), "--data", str(folder / "data.sqlite")]
    return Child(arguments, folder / "cosmos.log", dict(os.environ))


@pytest.fixture
def own_cosmos(tmp_path: Path) -> Iterator[Callable[[int], Child]]:
    """Starts an emulator that a test may kill and start again with the same data."""
    started: list[Child] = []

    def start(port: int = 0) -> Child:
        started.append(start_cosmos(tmp_path, port))
        return started[-1]

    yield start
    for child in started:
        if child.process.poll() is None:
            child.kill()


@pytest.fixture(scope="session")
def cosmos_key() -> str:
    return COSMOS_KEY


@pytest.fixture
async def cosmos(cosmos_url: str) -> AsyncIterator[CosmosClient]:
    async with CosmosClient(cosmos_url, COSMOS_KEY) as client:
        yield client


@pytest.fixture
async def queues(azurite: str) -> AsyncIterator[QueueServiceClient]:
    async with QueueServiceClient.from_connection_string(azurite) as service:
        yield service


@pytest.fixture
async def blobs(azurite: str) -> AsyncIterator[BlobServiceClient]:
    async with BlobServiceClient.from_connection_string(azurite) as service:
        yield service


@pytest.fixture
def hosts(tmp_path: Path) -> Iterator[Hosts]:
    """Hosts of one test."""
    made = Hosts(tmp_path, {})
    yield made
    made.stop_all()


@pytest.fixture(scope="module")
def module_hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    """Hosts that all tests of a module share."""
    made = Hosts(tmp_path_factory.mktemp("hosts"), {})
    yield made
    made.stop_all()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield session


@pytest.fixture
def app_of(tmp_path: Path) -> Callable[..., Path]:
    """Makes an app of the text of its function_app.py."""

    def make(code: str, host_json: str | None = '{"version": "2.0"}', script: str = "function_app.py") -> Path:
        root = tmp_path / "app"
        root.mkdir()
        (root / script).write_text(code)
        if host_json is not None:
            (root / "host.json").write_text(host_json)
        return root

    return make


@pytest.fixture(name="eventually")
def eventually_fixture() -> Callable[..., Awaitable[None]]:
    return eventually


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _wait_for_port(port: int) -> None:
    end = time.monotonic() + 20
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        assert time.monotonic() < end, f"nothing listens on port {port}"
        time.sleep(0.05)
