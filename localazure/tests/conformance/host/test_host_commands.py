"""What the command line says of a running host."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from localazure.cli import main
from localazure.state import StateFolder


@pytest.fixture(scope="module")
def state(module_hosts: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A state folder like that of a server which runs the app with mistakes."""
    folder = StateFolder(tmp_path_factory.mktemp("system") / ".localazure")
    with folder.locked():
        folder.write_endpoints({"host": module_hosts.start("mistakes").url})
        yield folder.path


def test_functions_are_listed_with_trigger_source_and_url(state: Path) -> None:
    shown = CliRunner().invoke(main, ["functions", "--state", str(state)])

    assert shown.exit_code == 0
    rows = {line.split()[0]: line.split()[1:] for line in shown.stdout.splitlines()}
    assert rows["works"][0] == "httpTrigger"
    assert rows["works"][-1].endswith("/api/works")
    assert rows["has_bad_schedule"] == ["timerTrigger", "0", "61", "*", "*", "*", "*"]
    assert rows["of_durable_blueprint"] == ["activityTrigger"]


def test_functions_in_error_are_told_apart(state: Path) -> None:
    shown = CliRunner().invoke(main, ["functions", "--state", str(state)])

    assert "The schedule expression '0 61 * * * *' was not recognized" in shown.stderr


def test_functions_for_programs_are_the_admin_apis(state: Path) -> None:
    shown = CliRunner().invoke(main, ["functions", "--json", "--state", str(state)])

    assert "works" in {function["name"] for function in json.loads(shown.stdout)}


def test_functions_of_a_stopped_system_are_refused_with_the_mend(tmp_path: Path) -> None:
    refused = CliRunner().invoke(main, ["functions", "--state", str(tmp_path)])

    assert refused.exit_code == 1
    assert "use `localazure start`" in refused.stderr
