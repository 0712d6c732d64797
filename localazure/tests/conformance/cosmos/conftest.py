"""Servers to run the official clients against: in this process on a thread, or as a process that can be killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from azure.core.pipeline.transport import RequestsTransport
from azure.cosmos import ContainerProxy, CosmosClient, DatabaseProxy, PartitionKey
from azure.cosmos.exceptions import CosmosHttpResponseError
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from localazure.clock import Clock, SystemClock
from localazure.cosmos.account import Account
from localazure.cosmos.http import CosmosServer
from localazure.cosmos.options import EMULATOR_KEY, Options

DEADLINE_S = 20


@dataclass
class Admin:
    """The administration endpoints of a server."""

    url: str

    def call(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            f"{self.url}/_emulator/{path}", method=method, data=None if body is None else json.dumps(body).encode()
        )
        with urllib.request.urlopen(request, timeout=DEADLINE_S) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def requests(self, *, method: str = "", ending: str = "") -> list[dict[str, Any]]:
        """What the server was asked, oldest first; `/` at the end of paths is cut off."""
        found = self.call("GET", "requests?last=1000")
        return [one for one in found if method in {"", one["method"]} and one["path"].rstrip("/").endswith(ending)]

    def fault(self, action: dict[str, Any], **rule: Any) -> None:
        self.call("POST", "faults", {"action": action, **rule})

    def advance(self, seconds: float) -> None:
        self.call("POST", "clock", {"advanceSeconds": seconds})


@dataclass
class Sent:
    """A request as the client sent it, and its answer."""

    method: str
    path: str
    headers: dict[str, str]
    body: str
    status: int = 0
    answered: dict[str, str] = field(default_factory=dict)
    answer: str = ""


class Wire(RequestsTransport):
    """The client's transport, which remembers what was sent and lets a test tamper with requests and answers."""

    def __init__(self) -> None:
        super().__init__()
        self.sent: list[Sent] = []
        self.before: Callable[[Any], None] = lambda _: None
        self.after: Callable[[Any], None] = lambda _: None

    def send(self, request: Any, **options: Any) -> Any:
        self.before(request)
        body = request.data.decode() if isinstance(request.data, bytes) else request.data or ""
        headers = {name.lower(): value for name, value in request.headers.items()}
        sent = Sent(request.method, urlsplit(request.url).path.rstrip("/"), headers, body)
        self.sent.append(sent)
        response = super().send(request, **options)
        sent.status = response.status_code
        sent.answered = {name.lower(): value for name, value in response.headers.items()}
        sent.answer = response.internal_response.text
        self.after(response)
        return response

    def to(self, ending: str, method: str = "") -> list[Sent]:
        """What was sent to paths with that ending."""
        return [one for one in self.sent if one.path.endswith(ending) and method in {"", one.method}]


@dataclass
class ThreadServer:
    """A server on a thread of this process."""

    options: Options
    tls: tuple[Path, Path] | None = None
    clock: Clock = field(default_factory=SystemClock)
    url: str = ""
    _loop: asyncio.AbstractEventLoop = field(init=False)
    _stopped: asyncio.Event = field(init=False)

    def __post_init__(self) -> None:
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(DEADLINE_S)
        self.admin = Admin(self.url)

    async def _serve(self) -> None:
        server = CosmosServer(Account(self.options, self.clock), tls=_context(self.tls) if self.tls else None)
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        self.url = await server.start("127.0.0.1", 0)
        self._ready.set()
        await self._stopped.wait()
        await server.stop()

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopped.set)
            self._thread.join(DEADLINE_S)


def _context(files: tuple[Path, Path]) -> Any:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    return context


@dataclass
class ProcessServer:
    """A server as the runtime starts it: `python -m localazure.cosmos`, which can be killed and started again."""

    flags: list[str]
    port: int = 0

    def start(self) -> ProcessServer:
        read, write = os.pipe()
        command = [sys.executable, "-m", "localazure.cosmos", "--port", str(self.port), *self.flags]
        environment = {**os.environ, "LOCALAZURE_READY_FD": str(write)}
        self.process = subprocess.Popen(command, pass_fds=[write], env=environment, stderr=subprocess.PIPE, text=True)
        os.close(write)
        with os.fdopen(read) as ready:
            announced = ready.read()
        assert announced, self.process.communicate(timeout=DEADLINE_S)[1]
        self.url = json.loads(announced)["url"]
        self.port = urlsplit(self.url).port or 0
        self.admin = Admin(self.url)
        return self

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate(timeout=DEADLINE_S)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=DEADLINE_S)
        return self.process.returncode


@pytest.fixture
def start_server() -> Iterator[Callable[..., ThreadServer]]:
    """Start a server with options; `tls=(certificate, key)` makes it speak TLS, `clock` tells its time."""
    started: list[ThreadServer] = []

    def start(*, tls: tuple[Path, Path] | None = None, clock: Clock | None = None, **options: Any) -> ThreadServer:
        started.append(ThreadServer(Options(**options), tls, clock or SystemClock()))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="module")
def serve_at() -> Iterator[Callable[[Clock], ThreadServer]]:
    """Start a server for all tests of a module, whose time is that of a clock."""
    started: list[ThreadServer] = []

    def start(clock: Clock) -> ThreadServer:
        started.append(ThreadServer(Options(), clock=clock))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def start_process() -> Iterator[Callable[..., ProcessServer]]:
    """Start a server process with command line flags."""
    started: list[ProcessServer] = []

    def start(*flags: str) -> ProcessServer:
        started.append(ProcessServer(list(flags)).start())
        return started[-1]

    yield start
    for server in started:
        if server.process.poll() is None:
            server.kill()


@pytest.fixture
def server(start_server: Callable[..., ThreadServer]) -> ThreadServer:
    """A fresh server with default options."""
    return start_server()


@pytest.fixture
def connect() -> Iterator[Callable[..., CosmosClient]]:
    """Connect the synchronous client to a server."""
    clients: list[CosmosClient] = []

    def connect_to(target: Any, **options: Any) -> CosmosClient:
        client = CosmosClient(getattr(target, "url", target), options.pop("credential", EMULATOR_KEY), **options)
        clients.append(client)
        return client

    yield connect_to
    for client in clients:
        client.__exit__()


@pytest.fixture
def client(server: ThreadServer, connect: Callable[..., CosmosClient]) -> CosmosClient:
    """The synchronous client on the default server."""
    return connect(server)


@pytest.fixture
def database(client: CosmosClient) -> DatabaseProxy:
    """An empty database."""
    return client.create_database("shop")


@pytest.fixture
def container(database: DatabaseProxy) -> ContainerProxy:
    """An empty container, partitioned by /pk."""
    return database.create_container("orders", PartitionKey("/pk"))


@pytest.fixture
def same_container(
    server: ThreadServer, container: ContainerProxy, connect: Callable[..., CosmosClient]
) -> Callable[..., ContainerProxy]:
    """The default container through a client of its own: feed readers must not share one with writers."""
    return lambda **options: connect(server, **options).get_database_client("shop").get_container_client(container.id)


@pytest.fixture
def wire() -> Wire:
    """What `wired` sends."""
    return Wire()


@pytest.fixture
def wired(same_container: Callable[..., ContainerProxy], wire: Wire) -> ContainerProxy:
    """The default container through a client whose requests can be looked at."""
    return same_container(transport=wire)


@pytest.fixture
def filled(container: ContainerProxy) -> ContainerProxy:
    """The default container with ten items: ids 0 to 9, partition keys p0 and p1 in turn, n as the id."""
    for number in range(10):
        container.create_item({"id": str(number), "pk": f"p{number % 2}", "n": number, "tags": [number, 100 + number]})
    return container


@pytest.fixture
def status_of() -> Callable[..., tuple[int, int]]:
    """The status and sub-status with which a call is refused; fails the test when it is not."""

    def run(call: Callable[..., Any], *arguments: Any, **options: Any) -> tuple[int, int]:
        with pytest.raises(CosmosHttpResponseError) as refusal:
            call(*arguments, **options)
        return refusal.value.status_code or 0, refusal.value.sub_status or 0

    return run


@pytest.fixture
def eventually() -> Callable[..., None]:
    """Wait until a condition holds; fails the test after a deadline."""

    def wait(condition: Callable[[], object], within_s: float = DEADLINE_S) -> None:
        deadline = time.monotonic() + within_s
        while time.monotonic() < deadline:
            with suppress(OSError):
                if condition():
                    return
            threading.Event().wait(0.02)
        pytest.fail(f"{condition} did not come true within {within_s} s")

    return wait


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-made certificate for this machine and its key, as PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    addresses = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(addresses), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    files = folder / "cert.pem", folder / "key.pem"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    pem, pkcs8, plain = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    files[1].write_bytes(key.private_bytes(pem, pkcs8, plain))
    return files
