"""The command `localazure lint`: exceptions in the source, formats, exit codes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from localazure.cli import main

HEAD = (
    'import time\nimport azure.durable_functions as df\n\napp = df.DFApp()\n\n\n@app.orchestration_trigger("context")\n'
)
BODY = 'def o(context):\n    yield context.call_activity("a", time.time()){comment}\n'
WHY = "  # localazure: allow clock: shown to people only"
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs the command on an app whose one orchestrator reads the clock, with a comment behind that line."""

    def lint(*options: str, comment: str = "", source: str = HEAD + BODY) -> Result:
        (tmp_path / "function_app.py").write_text(source.replace("{comment}", comment))
        return CliRunner().invoke(main, ["lint", "--app", str(tmp_path), *options])

    return lint


def test_findings_are_told_with_place_reason_and_alternative(run: Run, tmp_path: Path) -> None:
    result = run()

    assert result.exit_code == 1
    assert result.output == (
        f"{tmp_path}/function_app.py:9:38: clock: `time.time`: a replay gets another time\n"
        "  instead: context.current_utc_datetime\n"
        "\n"
        "1 orchestrator (1 function) checked: 1 finding.\n"
    )


def test_clean_app_is_told_with_a_count(run: Run) -> None:
    result = run(comment=WHY)

    assert result.exit_code == 0
    assert result.output == "1 orchestrator (1 function) checked: no findings.\n"


def test_app_without_orchestrators_says_so(run: Run) -> None:
    result = run(source="x = 1\n")

    assert (result.exit_code, result.output) == (0, "No orchestrator was found.\n")


def test_json_has_everything(run: Run, tmp_path: Path) -> None:
    result = run("--format", "json")

    assert result.exit_code == 1
    assert json.loads(result.output) == {
        "orchestrators": ["o"],
        "functions": 1,
        "findings": [
            {
                "file": f"{tmp_path}/function_app.py",
                "line": 9,
                "column": 38,
                "rule": "clock",
                "text": "`time.time`: a replay gets another time",
                "instead": "context.current_utc_datetime",
                "chain": ["o"],
            }
        ],
    }


def test_github_gets_annotations(run: Run, tmp_path: Path) -> None:
    lines = run("--format", "github").output.splitlines()

    assert lines[0] == (
        f"::error file={tmp_path}/function_app.py,line=9,col=38,title=localazure lint%3A clock::"
        "`time.time`: a replay gets another time. Instead: context.current_utc_datetime"
    )
    assert lines[1] == "1 orchestrator (1 function) checked: 1 finding."


@pytest.mark.parametrize(
    ("comment", "complaint"),
    [
        ("  # localazure: allow clock", "`allow clock` gives no reason"),
        ("  # localazure: allow clock:  ", "`allow clock` gives no reason"),
        ("  # localazure: allow clocks: a reason", "there is no rule 'clocks'"),
        ("  # localazure: allow", "it names no rule"),
        ("  # localazure: allow random: a reason", "`allow random` silences nothing here"),
    ],
)
def test_exception_that_is_wrong_silences_nothing_and_is_found(run: Run, comment: str, complaint: str) -> None:
    result = run("--format", "json", comment=comment)

    findings = json.loads(result.output)["findings"]
    assert [finding["rule"] for finding in findings] == ["clock", "allow"]
    assert findings[1]["text"] == complaint


def test_one_comment_silences_one_finding(run: Run) -> None:
    source = HEAD + 'def o(context):\n    yield context.call_activity("a", [time.time(), hash("x")]){comment}\n'

    assert "1 finding." in run(comment=WHY, source=source).output
    both = f"{WHY}  # localazure: allow random: not a text that matters"
    assert "no findings" in run(comment=both, source=source).output


def test_exception_may_stand_at_the_end_of_a_wrapped_call(run: Run) -> None:
    source = HEAD + "def o(context):\n    x = time.strftime(\n        '%Y'\n    ){comment}\n    yield x\n"

    assert run(source=source).exit_code == 1
    assert run(comment=WHY, source=source).exit_code == 0


def test_text_that_looks_like_an_exception_is_none(run: Run) -> None:
    source = HEAD + 'def o(context):\n    x = "# localazure: allow clock: text", time.time()\n    yield x\n'

    assert run(source=source).exit_code == 1


def test_script_by_another_name_is_taken_from_the_settings(run: Run, tmp_path: Path) -> None:
    (tmp_path / "local.settings.json").write_text(
        '{"IsEncrypted": false, "Values": {"PYTHON_SCRIPT_FILE_NAME": "main.py"}}'
    )
    (tmp_path / "main.py").write_text((HEAD + BODY).format(comment=""))

    assert "main.py:9" in run(source="x = 1\n").output


def test_source_that_cannot_be_read_fails_with_its_place(run: Run) -> None:
    result = run(source="def\n")

    assert result.exit_code == 1
    assert "function_app.py:1: SyntaxError" in result.output


@pytest.mark.parametrize("command", ["lint", "show", "status"])
def test_help_ends_with_an_example(command: str) -> None:
    assert f"Example: localazure {command}" in CliRunner().invoke(main, [command, "--help"]).output
