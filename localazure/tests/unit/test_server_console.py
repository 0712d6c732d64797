"""What is shown at a terminal, with and without colours."""

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from localazure.cli import main
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


def commands_below(group, *path):
    """The words of every command, those of groups included."""
    yield path
    for name, command in getattr(group, "commands", {}).items():
        yield from commands_below(command, *path, name)


@pytest.mark.parametrize("words", list(commands_below(main)), ids=" ".join)
def test_help_of_every_command_has_an_example(words):
    assert f"Example: {' '.join(['localazure', *words])}" in CliRunner().invoke(main, [*words, "--help"]).output


def test_shell_completes_commands():
    program = Path(sys.executable).parent / "localazure"
    asked = {"_LOCALAZURE_COMPLETE": "bash_complete", "COMP_WORDS": "localazure st", "COMP_CWORD": "1"}
    shown = subprocess.run([program], env={**os.environ, **asked}, capture_output=True, text=True, check=True)

    assert [line.partition(",")[2] for line in shown.stdout.split()] == ["start", "status", "stop"]


def test_log_that_is_not_there_is_answered_with_those_that_are(tmp_path):
    logs = tmp_path / ".localazure" / "logs"
    logs.mkdir(parents=True)
    (logs / "cosmos.log").write_text("a\nb\nc\n")
    refused = CliRunner().invoke(main, ["logs", "--app", str(tmp_path)])
    shown = CliRunner().invoke(main, ["logs", "cosmos", "-n", "2", "--app", str(tmp_path)])

    assert (refused.exit_code, "host.log does not exist" in refused.output) == (1, True)
    assert refused.output.rstrip().endswith("cosmos.")
    assert shown.stdout_bytes == b"b\nc\n"


@pytest.mark.usefixtures("interruptible")
def test_followed_log_goes_on_until_it_is_interrupted(tmp_path):
    logs = tmp_path / ".localazure" / "logs"
    logs.mkdir(parents=True)
    with (logs / "host.log").open("ab", buffering=0) as log:
        log.write(b"before\n")
        words = [sys.executable, "-m", "localazure", "logs", "-f", "--app", str(tmp_path)]
        process = subprocess.Popen(words, stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"before\n"
        log.write(b"after\n")
        assert process.stdout.readline() == b"after\n"
    process.send_signal(signal.SIGINT)

    assert process.wait(timeout=20) == 0
    process.stdout.close()


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
