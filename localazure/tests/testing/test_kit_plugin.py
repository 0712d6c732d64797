"""The pytest plugin, in pytest runs of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]

APP = """
import azure.durable_functions as df
from datetime import timedelta

app = df.DFApp()

@app.orchestration_trigger(context_name="context")
def remind(context):
    yield context.create_timer(context.current_utc_datetime + timedelta(days=1))
    return (yield context.call_activity("mail", context.get_input()))

@app.activity_trigger(input_name="to")
def mail(to: str) -> str:
    return f"mailed {to}"
"""


@pytest.fixture
def pytest_in(tmp_path: Path) -> Run:
    """`pytest_in(test_code, *arguments, ini="")` runs the tests in a folder of their own."""

    def run(code: str, *arguments: str, ini: str = "") -> subprocess.CompletedProcess[str]:
        (tmp_path / "pytest.ini").write_text(f"[pytest]\n{ini}\n")
        (tmp_path / "test_it.py").write_text(code)
        command = [sys.executable, "-m", "pytest", "-q", "--strict-markers", "-p", "no:cacheprovider", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "host.json").write_text('{"version": "2.0"}')
    (folder / "function_app.py").write_text(APP)
    return folder


def passed(done: subprocess.CompletedProcess[str], number: int) -> bool:
    return done.returncode == 0 and f"{number} passed" in done.stdout


def test_fixture_marker_and_ini_option_without_other_plugins(pytest_in: Run, shop: Path) -> None:
    done = pytest_in(
        """
import pytest

def test_by_argument(task_hub):
    hub = task_hub("shop")
    order = hub.start("remind", "ada")
    hub.advance(days=1)
    assert order.wait().output == "mailed ada"

def test_by_ini(task_hub):
    assert task_hub(time="skip").run("remind", "ada").output == "mailed ada"

@pytest.mark.task_hub(time="skip", activities={"mail": "by marker"})
class TestMarked:
    def test_by_marker(self, task_hub):
        assert task_hub().run("remind").output == "by marker"

    @pytest.mark.task_hub(activities={"mail": "nearer"})
    def test_the_nearer_marker_counts(self, task_hub):
        assert task_hub().run("remind").output == "nearer"
        assert task_hub(activities={"mail": "nearest"}).run("remind").output == "nearest"

class TestOverridden:
    @pytest.fixture
    def task_hub_options(self):
        return {"time": "skip", "activities": {"mail": "by fixture"}}

    def test_by_fixture(self, task_hub):
        assert task_hub().run("remind").output == "by fixture"

def test_two_hubs_know_nothing_of_each_other(task_hub):
    first, second = task_hub(), task_hub()
    first.start("remind", instance_id="x")
    assert second.instances() == []

def test_functions_of_the_test_take_the_place_of_the_app(task_hub):
    def quick(context):
        return (yield context.call_activity("mail"))
    assert task_hub(orchestrators=[quick], activities={"mail": 1}).run("quick").output == 1
""",
        *("-p", "no:asyncio"),
        ini="task_hub_app = shop",
    )
    assert passed(done, 7), done.stdout


def test_a_failing_test_shows_what_the_instance_waits_for_and_its_hubs_are_closed(pytest_in: Run, shop: Path) -> None:
    done = pytest_in(
        """
import os
HERE = os.getcwd()

def test_fails(task_hub):
    task_hub("shop").on("mail").hold()
    task_hub("shop").run("remind")

def test_next(task_hub):
    assert os.getcwd() == HERE
    assert task_hub("shop", time="skip").run("remind", "x").output == "mailed x"
"""
    )
    assert "1 failed, 1 passed" in done.stdout
    assert re.search(r"StillWaiting: instance '\w+' of remind is Running", done.stdout)
    assert "- a timer, due at 2026-01-02T00:00:00.000000Z, in 1 day, 0:00:00" in done.stdout


def test_nothing_is_imported_for_those_who_do_not_ask(pytest_in: Run) -> None:
    done = pytest_in(
        """
import sys

def test_it():
    ours = sorted(name for name in sys.modules if name.startswith("localazure"))
    assert ours == ["localazure", "localazure.testing", "localazure.testing.plugin"]
    assert not {"aiohttp", "sqlite3", "azure"} & sys.modules.keys()
""",
        *("-p", "no:asyncio", "-p", "no:cov"),
    )
    assert passed(done, 1), done.stdout


def test_the_marker_is_listed(pytest_in: Run) -> None:
    assert "@pytest.mark.task_hub(**options)" in pytest_in("", "--markers").stdout
