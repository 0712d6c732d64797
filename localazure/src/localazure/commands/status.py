"""`localazure status`: what runs, and where."""

from __future__ import annotations

from pathlib import Path

import click

from localazure.commands.common import Failure, example, folders, state_folder


@example("localazure status --app .")
@click.command()
@folders
def status(app: Path, state: Path | None) -> None:
    """Show what runs and where; exit code 1 when nothing does."""
    folder = state_folder(app, state)
    if not folder.is_in_use():
        raise Failure(f"Nothing runs on {folder.path}.")
    for name, pid in folder.pids().items():
        click.echo(f"{name:10} pid {pid}")
    for name, url in folder.endpoints().items():
        click.echo(f"{name:10} {url}")
