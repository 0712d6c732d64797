"""Hubs that die at their commit points and are started again: nothing is lost, nothing is done twice in the record."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import PIPE

import pytest

PROGRAM = Path(__file__).with_name("crashing_hub.py")
STEPS = [f'"0-{step}"' for step in range(3)]
FAN = [f'"0-fan-{n}"' for n in range(3)]
RESULT = [f"0-{step}" for step in range(3)] + [f"0-fan-{n}" for n in range(3)] + ["0-child"]


LEFT_EMPTY = ("inbox", "activities", "timers", "requests")
Live = Callable[..., tuple[int, list[str]]]


@pytest.fixture(scope="module")
def hubs() -> Iterator[subprocess.Popen[str]]:
    """The program that forks hubs."""
    with subprocess.Popen([sys.executable, PROGRAM], stdin=PIPE, stdout=PIPE, text=True) as program:
        yield program
        assert program.stdin is not None
        program.stdin.close()
        program.wait(10)


@pytest.fixture
def live(hubs: subprocess.Popen[str], tmp_path: Path) -> Live:
    """Lets a hub live once; gives its exit code and the lines it wrote."""

    def run(moment: str = "never", count: int = 1, instances: int = 1) -> tuple[int, list[str]]:
        wanted = {"folder": str(tmp_path), "moment": moment, "count": count, "instances": instances}
        assert hubs.stdin is not None
        assert hubs.stdout is not None
        hubs.stdin.write(json.dumps(wanted) + "\n")
        hubs.stdin.flush()
        return int(hubs.stdout.readline()), (tmp_path / "output").read_text().splitlines()

    return run


@pytest.mark.parametrize(
    ("moment", "count"),
    [
        ("before-commit", 1),
        ("after-commit", 2),
        ("before-commit", 5),
        ("after-commit", 9),
        ("before-finish_activity", 2),
        ("after-finish_activity", 4),
        ("after-finish_activity", 8),
        ("activity", 1),
        ("activity", 5),
    ],
)
def test_d085_d086_a_hub_killed_at_any_point_completes_after_a_restart(
    tmp_path: Path, live: Live, moment: str, count: int
) -> None:
    assert live(moment, count)[0] == 9
    code, lines = live()
    assert code == 0
    assert json.loads(lines[-1].removeprefix("Completed ")) == RESULT
    _assert_history_is_whole(tmp_path)
    ran = Counter((tmp_path / "log").read_text().splitlines())
    assert all(2 <= ran[step] <= 3 for step in STEPS)  # a failure, a success, and at most one repeat
    assert all(1 <= ran[step] <= 2 for step in FAN)


def test_d087_fifty_instances_complete_after_two_crashes(live: Live) -> None:
    assert live("after-commit", 180, instances=50)[0] == 9
    assert live("before-finish_activity", 150, instances=50)[0] == 9
    code, lines = live(instances=50)
    assert code == 0
    assert sum(line.startswith("Completed") for line in lines) == 50


def test_d088_an_accepted_start_survives(tmp_path: Path, live: Live) -> None:
    _, lines = live("after-create", 3, instances=5)
    accepted = [line.split()[1] for line in lines]
    with sqlite3.connect(tmp_path / "hub.sqlite") as connection:
        stored = {row[0] for row in connection.execute("SELECT instance_id FROM instances")}
    assert set(accepted) <= stored
    assert live(instances=5)[0] == 0


def _assert_history_is_whole(folder: Path) -> None:
    """Every task of the saga was created once and answered once, with ids without gaps."""
    with sqlite3.connect(folder / "hub.sqlite") as connection:
        rows = connection.execute("SELECT events FROM history WHERE instance_id = 'saga-0' ORDER BY episode").fetchall()
        left = [connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in LEFT_EMPTY]
    events = [event for (text,) in rows for event in json.loads(f"[{text}]")]
    created = [event["EventId"] for event in events if event["EventId"] >= 0]
    answered = [event.get("TaskScheduledId", event.get("TimerId")) for event in events]
    assert created == list(range(len(created)))
    assert sorted(each for each in answered if each is not None) == created
    assert left == [0] * len(LEFT_EMPTY)
