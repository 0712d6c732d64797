"""The sandbox services, run for a test: in a thread of this process, or as processes that can be killed."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import stripe

from sandbox.mail.service import Options as MailOptions
from sandbox.mail.service import mail
from sandbox.payments.service import Options as PaymentOptions
from sandbox.payments.service import payments

ROOT = Path(__file__).parents[2]
KEY = "sk_test_sandbox"

Service = Callable[[], AbstractAsyncContextManager[Mapping[str, str]]]


class Http:
    """Plain JSON over HTTP to one service."""

    def __init__(self, url: str) -> None:
        self.url = url

    def request(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as refusal:
            status, text = refusal.code, refusal.read()
        return status, json.loads(text) if text else None

    def get(self, path: str) -> Any:
        status, body = self.request("GET", path)
        assert status == 200, body
        return body

    def post(self, path: str, body: object) -> Any:
        status, answer = self.request("POST", path, body)
        assert status in (200, 201), answer
        return answer


class Simulator(Http):
    """The payment simulator, with clients of the real SDK and shortcuts to its control endpoints."""

    def client(self, *, retries: int = 0, key: str = KEY) -> stripe.StripeClient:
        return stripe.StripeClient(key, base_addresses={"api": self.url}, max_network_retries=retries)

    def fault(self, operation: str, **rule: object) -> None:
        self.post("/_sandbox/faults", {"operation": operation, **rule})

    def ledger(self, order_id: str) -> dict[str, Any]:
        entry: dict[str, Any] = self.get(f"/_sandbox/ledger/{order_id}")
        return entry

    def advance(self, seconds: float) -> None:
        self.post("/_sandbox/clock", {"advance_s": seconds})

    def event_types(self) -> list[str]:
        """Oldest first."""
        return [str(event.type) for event in self.client().v1.events.list({"limit": 100}).data][::-1]


@contextmanager
def in_a_thread(service: Service) -> Iterator[Mapping[str, str]]:
    """Serve from a loop of its own, so that blocking and async clients can both be used."""
    started: Future[tuple[Mapping[str, str], asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        async with service() as facts:
            ended = asyncio.Event()
            started.set_result((facts, asyncio.get_running_loop(), ended))
            await ended.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    facts, loop, ended = started.result(timeout=10)
    try:
        yield facts
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(timeout=10)
        assert not thread.is_alive(), "the service does not stop"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with in_a_thread(lambda: payments(PaymentOptions())) as facts:
        yield Simulator(facts["url"])


@pytest.fixture
def client(simulator: Simulator) -> stripe.StripeClient:
    """The blocking SDK, without retries."""
    return simulator.client()


@pytest.fixture
async def async_client(simulator: Simulator) -> AsyncIterator[stripe.StripeClient]:
    """The async SDK, without retries."""
    transport = stripe.AIOHTTPClient()
    yield stripe.StripeClient(KEY, base_addresses={"api": simulator.url}, http_client=transport)
    await transport.close_async()  # type: ignore[no-untyped-call]  # the SDK leaves it untyped


class MailSink(Http):
    """The mail sink; `smtp_port` is where mail goes."""

    def __init__(self, facts: Mapping[str, str]) -> None:
        super().__init__(facts["url"])
        self.smtp_port = int(facts["smtp"].rpartition(":")[2])

    def messages(self, query: str = "") -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.get(f"/messages{query}")
        return found


@pytest.fixture
def mail_sink() -> Iterator[MailSink]:
    with in_a_thread(lambda: mail(MailOptions())) as facts:
        yield MailSink(facts)


class Child:
    """A service as a process, started the way a supervisor does."""

    def __init__(self, module: str, *arguments: str, env: Mapping[str, str] | None = None) -> None:
        ready_read, ready_write = os.pipe()
        parent_read, self._parent = os.pipe()
        descriptors = {"LOCALAZURE_READY_FD": str(ready_write), "LOCALAZURE_PARENT_FD": str(parent_read)}
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=ROOT,
            env={**os.environ, **descriptors, **(env or {})},
            pass_fds=(ready_write, parent_read),
        )
        os.close(ready_write)
        os.close(parent_read)
        with os.fdopen(ready_read) as ready:
            told = ready.read()
        self.facts: dict[str, Any] = json.loads(told) if told else {}

    def abandon(self) -> None:
        """Be a supervisor that dies."""
        if self._parent >= 0:
            os.close(self._parent)
        self._parent = -1

    def end(self) -> int:
        """Stop it in order; its exit code."""
        self.process.terminate()
        return self.process.wait(timeout=10)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(timeout=10)


@pytest.fixture
def start_child() -> Iterator[Callable[..., Child]]:
    """Starts `python -m module arguments...`; whatever is left is killed afterwards."""
    children: list[Child] = []

    def start(module: str, *arguments: str, env: Mapping[str, str] | None = None) -> Child:
        children.append(Child(module, *arguments, env=env))
        return children[-1]

    yield start
    for child in children:
        if child.process.poll() is None:
            child.kill()
        child.abandon()


@pytest.fixture
def start_simulator(start_child: Callable[..., Child]) -> Callable[..., tuple[Child, Simulator]]:
    """Starts the payment simulator as a process on a free port."""

    def start(*arguments: str, env: Mapping[str, str] | None = None) -> tuple[Child, Simulator]:
        child = start_child("sandbox.payments", "--port", "0", *arguments, env=env)
        return child, Simulator(child.facts["url"])

    return start
