"""What is shown at a terminal, with and without colours."""

import json
import os
import pty
import subprocess
import sys

import pytest
from localazure.console import Console, painted

ESCAPE = b"\x1b["


def shown_at_a_terminal(*arguments, **environment):
    """What a terminal would receive from a localazure command."""
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "localazure", *arguments]
    clean = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    process = subprocess.Popen(
        words, env={**clean, **environment}, stdout=theirs, stderr=theirs, stdin=subprocess.DEVNULL
    )
    process.wait(timeout=30)
    os.close(theirs)
    try:
        return os.read(ours, 65_536)
    finally:
        os.close(ours)


def test_problems_are_coloured_at_a_terminal(tmp_path):
    assert ESCAPE in shown_at_a_terminal("status", "--app", str(tmp_path))


def test_no_color_is_respected(tmp_path):
    shown = shown_at_a_terminal("status", "--app", str(tmp_path), NO_COLOR="1")

    assert b"Nothing runs" in shown
    assert ESCAPE not in shown


@pytest.mark.parametrize("command", [[], ["start"], ["stop"], ["status"], ["reset"], ["token"]])
def test_help_of_every_command_has_an_example(command):
    shown = subprocess.run(
        [sys.executable, "-m", "localazure", *command, "--help"], capture_output=True, text=True, check=True
    )

    assert "Example: localazure" in shown.stdout


def test_port_option_that_is_no_pair_is_refused(tmp_path):
    refused = subprocess.run(
        [sys.executable, "-m", "localazure", "start", "--app", str(tmp_path), "--port", "7071"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert refused.returncode == 2
    assert "'7071' is not NAME=PORT, such as api=7071" in refused.stderr


def test_problems_in_the_hosts_log_have_the_colour_of_their_level():
    line = b"[2026-11-02T10:00:00.000Z] [Function.f] Error: it broke\n"

    assert b"\x1b[31m Error: it broke" in painted(line)
    assert b"\x1b[33m" not in painted(line)


def test_lines_that_are_no_log_lines_stay_as_they_are():
    assert painted(b"Functions:\n") == b"Functions:\n"


def test_problems_are_objects_for_programs(capsys):
    Console(json=True).warn("it broke")
    said = json.loads(capsys.readouterr().err)

    assert (said["level"], said["category"], said["message"]) == ("Error", "Server", "it broke")
