"""The services as processes: what outlives them, how they start and how they end."""

from __future__ import annotations

import asyncio
import os
import signal
import smtplib
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest
import stripe

if TYPE_CHECKING:
    from sandbox.tests.conftest import Child, Simulator

    Start = Callable[..., tuple[Child, Simulator]]

ROOT = Path(__file__).parents[2]
ORDER: Any = {
    "amount": 1250,
    "currency": "eur",
    "confirm": True,
    "capture_method": "manual",
    "payment_method": "pm_card_visa",
    "metadata": {"order_id": "o-1"},
}
KEYED: Any = {"idempotency_key": "k-1"}
SERVICES = {"sandbox.payments": ["--port"], "sandbox.mail": ["--http-port", "--smtp-port"]}


def on_free_ports(module: str) -> list[str]:
    return [argument for option in SERVICES[module] for argument in (option, "0")]


def test_restart_keeps_payments_keys_and_skipped_time(start_simulator: Start, tmp_path: Path) -> None:
    data = str(tmp_path / "payments.sqlite")
    child, simulator = start_simulator("--data", data)
    intent = simulator.client().v1.payment_intents.create(ORDER, KEYED)
    simulator.advance(seconds=86_000)
    now = simulator.get("/_sandbox/clock")["now"]
    assert child.end() == 0
    _, simulator = start_simulator("--data", data)
    again = simulator.client().v1.payment_intents.create(ORDER, KEYED)
    assert again.id == intent.id
    assert simulator.ledger("o-1")["authorised"] == 1250
    assert simulator.get("/_sandbox/clock")["now"] >= now


def test_kill_after_the_answer_keeps_every_charge(start_simulator: Start, tmp_path: Path) -> None:
    data = str(tmp_path / "payments.sqlite")
    child, simulator = start_simulator("--data", data)
    create = simulator.client().v1.payment_intents.create
    acknowledged = {create(ORDER).id for _ in range(20)}
    child.kill()
    _, simulator = start_simulator("--data", data)
    found = simulator.client().v1.payment_intents.list({"limit": 100}).data
    assert {intent.id for intent in found} == acknowledged
    assert simulator.ledger("o-1")["authorised"] == 20 * 1250


def test_kill_between_commit_and_answer_charges_once(start_simulator: Start, tmp_path: Path) -> None:
    data = str(tmp_path / "payments.sqlite")
    child, simulator = start_simulator("--data", data)
    simulator.fault("create_payment_intent", action={"drop": "after"})
    with pytest.raises(stripe.APIConnectionError):
        simulator.client().v1.payment_intents.create(ORDER, KEYED)
    child.kill()
    _, simulator = start_simulator("--data", data)
    intent = simulator.client().v1.payment_intents.create(ORDER, KEYED)
    assert intent.status == "requires_capture"
    assert simulator.ledger("o-1")["intents"] == 1


async def test_kill_in_the_middle_of_everything_leaves_one_intent_per_key(
    start_simulator: Start, tmp_path: Path
) -> None:
    data = str(tmp_path / "payments.sqlite")
    child, simulator = start_simulator("--data", data)
    answers = await place_all(simulator.url, after_each=lambda count: child.process.kill() if count == 40 else None)
    acknowledged = {order: answer for order, answer in answers.items() if isinstance(answer, str)}
    assert 40 <= len(acknowledged) < len(answers)
    _, simulator = start_simulator("--data", data)
    repeated = await place_all(simulator.url)
    assert acknowledged.items() <= repeated.items()
    assert {entry["intents"] for entry in simulator.get("/_sandbox/ledger")["orders"].values()} == {1}


async def place_all(url: str, after_each: Callable[[int], None] = lambda _: None) -> dict[str, str | None]:
    """Authorise orders o-0 to o-119, eight at a time, each under its own key; the intent's id, or None, by order."""
    transport = stripe.AIOHTTPClient()
    client = stripe.StripeClient("sk_test_sandbox", base_addresses={"api": url}, http_client=transport)
    answers: dict[str, str | None] = {}
    orders = iter([f"o-{n}" for n in range(120)])

    async def work() -> None:
        for order in orders:
            parameters: Any = {**ORDER, "metadata": {"order_id": order}}
            try:
                intent = await client.v1.payment_intents.create_async(parameters, {"idempotency_key": order})
            except stripe.APIConnectionError:
                answers[order] = None
            else:
                answers[order] = intent.id
                after_each(len(answers))

    await asyncio.gather(*(work() for _ in range(8)))
    await transport.close_async()  # type: ignore[no-untyped-call]  # the SDK leaves it untyped
    return answers


def test_defect_answers_500_and_changes_nothing(start_simulator: Start, tmp_path: Path) -> None:
    data = tmp_path / "payments.sqlite"
    _, simulator = start_simulator("--data", str(data))
    client = simulator.client()
    intent = client.v1.payment_intents.create(ORDER)
    with sqlite3.connect(data) as database:
        database.execute("UPDATE intents SET document = '{}'")
    database.close()
    for _ in range(2):
        with pytest.raises(stripe.APIError) as failure:
            client.v1.payment_intents.capture(intent.id, {}, KEYED)
        assert failure.value.http_status == 500
    assert simulator.ledger("o-1")["captured"] == 0


def test_events_go_where_the_command_line_says(start_simulator: Start) -> None:
    _, simulator = start_simulator("--webhook-url", "http://127.0.0.1:9/hook")
    assert simulator.get("/_sandbox/webhook")["target"]["url"] == "http://127.0.0.1:9/hook"


def test_only_the_configured_key_is_let_in(start_simulator: Start) -> None:
    _, simulator = start_simulator(env={"PAYMENTS_API_KEY": "sk_test_ours"})
    assert simulator.client(key="sk_test_ours").v1.payment_intents.list().data == []
    with pytest.raises(stripe.AuthenticationError) as refusal:
        simulator.client(key="sk_test_theirs").v1.payment_intents.list()
    assert refusal.value.http_status == 401
    assert "theirs" not in str(refusal.value)


def test_mail_outlives_a_kill(start_child: Callable[..., Child], tmp_path: Path) -> None:
    arguments = (*on_free_ports("sandbox.mail"), "--data", str(tmp_path / "mail.sqlite"))
    child = start_child("sandbox.mail", *arguments)
    host, port = child.facts["smtp"].removeprefix("smtp://").split(":")
    with smtplib.SMTP(host, int(port), timeout=5) as smtp:
        smtp.sendmail("shop@example.com", ["ann@example.com"], b"Subject: Hello\r\n\r\nHi")
        child.kill()
    child = start_child("sandbox.mail", *arguments)
    with urlopen(f"{child.facts['url']}/messages") as answer:
        assert b"Hello" in answer.read()


@pytest.mark.parametrize("module", SERVICES)
def test_service_ends_in_order_when_its_supervisor_is_gone(start_child: Callable[..., Child], module: str) -> None:
    child = start_child(module, *on_free_ports(module))
    assert child.facts["pid"] == child.process.pid
    child.abandon()
    assert child.process.wait(timeout=10) == 0


@pytest.mark.parametrize("module", SERVICES)
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_service_started_by_hand_prints_its_address_and_ends_on_a_signal(module: str, ending: signal.Signals) -> None:
    command = [sys.executable, "-m", module, *on_free_ports(module)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("url=http://127.0.0.1:")
        os.kill(process.pid, ending)
        assert process.wait(timeout=10) == 0


@pytest.mark.parametrize(
    ("module", "option"), [(module, option) for module, options in SERVICES.items() for option in options]
)
def test_taken_port_is_named_with_its_option(module: str, option: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        arguments = on_free_ports(module)
        arguments[arguments.index(option) + 1] = port
        command = [sys.executable, "-m", module, *arguments]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=10, check=False)
    assert ended.returncode == 3
    assert ended.stderr.splitlines() == [f"cannot listen on 127.0.0.1:{port} ({option}): Address already in use"]
