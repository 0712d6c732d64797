"""`localazure reset`: delete all local state."""

from __future__ import annotations

from pathlib import Path

import click

from localazure.commands.common import Failure, example, folders, state_folder
from localazure.console import Console
from localazure.state import StateError


@example("localazure reset --app .")
@click.command()
@folders
def reset(app: Path, state: Path | None) -> None:
    """Delete all local state: orchestrations, databases, blobs, queues, secrets, keys, logs."""
    folder = state_folder(app, state)
    is_there = folder.path.exists()
    try:
        folder.delete()
    except StateError as error:
        raise Failure(str(error)) from error
    Console().say(f"{folder.path} is deleted." if is_there else f"There is no state in {folder.path}.")
