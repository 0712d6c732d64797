"""What the command line says to options that cannot be."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner
from localazure.cli import main
from localazure.state import StateFolder


@pytest.mark.parametrize("given", ["api", "api=", "api=x", "api=-1", "api=65536", "api=²", "=1.5"])
def test_port_that_is_none_is_refused_with_an_example(given: str) -> None:
    result = CliRunner().invoke(main, ["start", "--port", given])

    assert result.exit_code == 2
    assert "is not NAME=PORT, such as api=7071" in result.output


def test_stop_signals_nobody_while_the_server_has_not_told_its_process_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "kill", lambda *_: pytest.fail("somebody was signalled"))
    with StateFolder(tmp_path).locked():
        (tmp_path / "server.lock").write_text("")
        result = CliRunner().invoke(main, ["stop", "--state", str(tmp_path)])

    assert result.exit_code == 1
    assert "has only begun to start; try again." in result.output


def test_reset_says_what_it_has_done(tmp_path: Path) -> None:
    state = tmp_path / "state"
    with StateFolder(state).locked():
        pass
    said = [CliRunner().invoke(main, ["reset", "--state", str(state)]).output for _ in range(2)]

    assert said == [f"localazure: {state} is deleted.\n", f"localazure: There is no state in {state}.\n"]
    assert not state.exists()


def test_version_is_that_of_the_installed_package() -> None:
    assert CliRunner().invoke(main, ["--version"]).output.split() == ["localazure,", "version", version("localazure")]
