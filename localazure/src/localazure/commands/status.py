"""`localazure status`: what runs, and where; and what the task hub is at."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from localazure.commands.common import Failure, example, folders, state_folder
from localazure.state import StateFolder
from localazure.terminal import show

if TYPE_CHECKING:
    from localazure.insight.overview import Overview


@example("localazure status --app .")
@click.command()
@folders
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def status(app: Path, state: Path | None, as_json: bool) -> None:
    """Show what runs and where, and all instances by state; exit code 1 when nothing runs.

    When nothing runs, the instances are shown as they were when the system stopped.
    """
    folder = state_folder(app, state)
    running = folder.is_in_use()
    overview = _overview(folder)
    if as_json:
        parts = {"processes": folder.pids(), "endpoints": folder.endpoints()} if running else {}
        hub = overview.as_json() if overview else None
        click.echo(json.dumps({"running": running, **parts, "hub": hub}, indent=2))
    else:
        _print(folder, overview, running=running)
    if not running:
        raise Failure(f"Nothing runs on {folder.path}.")


def _print(folder: StateFolder, overview: Overview | None, *, running: bool) -> None:
    from localazure.clock import SystemClock  # noqa: PLC0415  # the other commands are quick
    from localazure.insight.overview import draw_overview  # noqa: PLC0415  # as above

    if running:
        for name, pid in folder.pids().items():
            click.echo(f"{name:10} pid {pid}")
        for name, url in folder.endpoints().items():
            click.echo(f"{name:10} {url}")
    if overview is not None:
        title = "Task hub" if running else "Task hub, as it was when the system stopped"
        separator = "\n" if running else ""
        show(f"{separator}{click.style(title, bold=True)}\n{draw_overview(overview, SystemClock().now())}")


def _overview(folder: StateFolder) -> Overview | None:
    """None when there is no hub yet. Raises Failure when it cannot be read."""
    from localazure.insight.hub_file import FILE, HubFile, HubFileError  # noqa: PLC0415  # the other commands are quick
    from localazure.insight.overview import overview_of  # noqa: PLC0415  # as above

    path = folder.path / FILE
    if not path.exists():
        return None
    try:
        with HubFile.opened(path) as hub:
            return overview_of(hub)
    except HubFileError as error:
        raise Failure(str(error)) from error
