"""`localazure functions`: the functions of the running app."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import click

from localazure.commands.common import Failure, example, folders, state_folder
from localazure.commands.tables import show_table
from localazure.console import Console

COLUMNS = ("name", "trigger", "listens to", "url")
WITHIN_S = 10.0
_SOURCES = ("route", "queueName", "schedule", "path", "containerName", "orchestration", "activity", "entityName")
"""What each trigger listens to, by the property that says so."""


@example("localazure functions --app .", "localazure functions --json")
@click.command()
@folders
@click.option("--json", "as_json", is_flag=True, help="The descriptions of the admin API, for programs.")
def functions(app: Path, state: Path | None, as_json: bool) -> None:
    """List the functions of the running app: trigger, route or queue or schedule, and URL; what is wrong with any."""
    folder = state_folder(app, state)
    host = folder.endpoints().get("host")
    if not folder.is_in_use() or not host:
        raise Failure(f"No host runs on {folder.path}; use `localazure start`.")
    described = _ask(f"{host}/admin/functions")
    if as_json:
        click.echo(json.dumps(described, indent=2))
        return
    show_table(Console(), COLUMNS, map(_row, described))
    for error in _ask(f"{host}/admin/host/status").get("errors") or []:
        Console().warn(error)


def _ask(url: str) -> Any:
    try:
        with urllib.request.urlopen(url, timeout=WITHIN_S) as answer:  # noqa: S310  # our own host's address
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise Failure(
            f"{url} answered {error.code}; a host with --enable-auth lists functions to its master key."
        ) from error
    except OSError as error:
        raise Failure(f"{url} does not answer: {error}. Is the host starting? `localazure status` tells.") from error


def _row(function: dict[str, Any]) -> dict[str, str]:
    bindings = function["config"]["bindings"]
    trigger = next((each for each in bindings if str(each["type"]).lower().endswith("trigger")), {"type": ""})
    source = next((str(trigger[key]) for key in _SOURCES if trigger.get(key)), "")
    kind = f"{trigger['type']} (disabled)" if function["isDisabled"] else str(trigger["type"])
    return dict(zip(COLUMNS, (function["name"], kind, source, function["invoke_url_template"]), strict=True))
