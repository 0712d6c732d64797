"""The whole system in its own processes: the host is killed again and again while HTTP, a queue and a timer start work.

`CRASH_HOSTS=20` kills it twenty times.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from azure.storage.queue import QueueClient
from localazure.testing import System

from localazure.azurite import connection_string

APP = Path(__file__).with_name("app")
KILLS = int(os.environ.get("CRASH_HOSTS", "5"))
JOURNEY = [0, 1, 2, 3, 4, 5]
DEADLINE_S = 90.0


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    with System(app=APP, state=tmp_path / "state") as started:
        yield started


@pytest.fixture
def queue(system: System) -> Iterator[QueueClient]:
    with QueueClient.from_connection_string(connection_string(system.endpoints), "journeys") as client:
        yield client


def test_every_instance_of_a_host_that_is_killed_under_load_completes_once(
    system: System, queue: QueueClient, chance: random.Random, deaths: Counter[str]
) -> None:
    host, ended = system.endpoints["host"], threading.Event()
    asked: dict[str, list[str]] = {"http": [], "queue": []}
    clients = [
        threading.Thread(target=_keep_asking, args=(lambda name: _put(host, name), asked["http"], "http", ended)),
        threading.Thread(target=_keep_asking, args=(queue.send_message, asked["queue"], "queue", ended)),
    ]
    for client in clients:
        client.start()
    try:
        for number in range(KILLS):
            _put(host, f"before-kill-{number}")  # it runs again, and answers
            ended.wait(chance.uniform(0, 0.7))
            system.kill("host")
            deaths["whole hosts"] += 1
    finally:
        ended.set()
        for client in clients:
            client.join()

    _put(host, "after-all")
    names = ["after-all", *asked["http"], *(f"before-kill-{number}" for number in range(KILLS))]
    found = _eventually(lambda: _completed(host, names))
    started = {each["instanceId"] for each in found}
    hidden = queue.get_queue_properties().approximate_message_count
    # A message that was in work at a kill stays hidden for ten minutes, as in the cloud; it is not lost.
    assert len(set(asked["queue"]) - started) <= hidden
    _assert_each_left_one_mark(host, found)


def _keep_asking(ask: Callable[[str], object], names: list[str], kind: str, ended: threading.Event) -> None:
    while not ended.wait(0.05):
        name = f"{kind}-{len(names)}"
        ask(name)
        names.append(name)


def _put(host: str, name: str) -> None:
    """As a careful caller does: again, until there is an answer."""

    def attempt() -> bool:
        try:
            return requests.put(f"{host}/api/journeys/{name}", timeout=10).status_code == 202
        except requests.RequestException:
            return False

    _eventually(attempt)


def _completed(host: str, names: list[str]) -> list[dict[str, Any]]:
    """All journeys, once all that are known have completed, and those that were asked for are among them."""
    answer = requests.get(f"{host}/runtime/webhooks/durabletask/instances", params={"top": 100_000}, timeout=30)
    listed: list[dict[str, Any]] = answer.json()
    running = [each for each in listed if each["runtimeStatus"] != "Completed"]
    assert all(each["runtimeStatus"] in {"Running", "Pending"} for each in running), running
    is_over = not running and {each["instanceId"] for each in listed} >= set(names)
    return [each for each in listed if each["name"] == "journey"] if is_over else []


def _assert_each_left_one_mark(host: str, journeys: list[dict[str, Any]]) -> None:
    marks = Counter(requests.get(f"{host}/runtime/webhooks/durabletask/entities/marks/all", timeout=30).json())
    assert all(each["output"] == JOURNEY for each in journeys)
    assert all(marks[each["instanceId"]] == 1 for each in journeys)
    assert set(marks.values()) == {1}


def _eventually(condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + DEADLINE_S
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {DEADLINE_S:g} s"
        time.sleep(0.1)
    return found
