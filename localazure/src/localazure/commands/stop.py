"""`localazure stop`: end a system that another terminal started."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import click

from localazure.commands.common import Failure, example, folders, state_folder

STOP_WITHIN_S = 60.0
POLL_S = 0.05


@example("localazure stop --app .")
@click.command()
@folders
def stop(app: Path, state: Path | None) -> None:
    """Stop a running server as Ctrl-C does, and wait until it has ended."""
    folder = state_folder(app, state)
    if not folder.is_in_use():
        raise Failure(f"No server uses {folder.path}.")
    os.kill(folder.server_pid(), signal.SIGTERM)
    deadline = time.monotonic() + STOP_WITHIN_S
    while folder.is_in_use():
        if time.monotonic() > deadline:
            raise Failure(f"The server did not stop within {STOP_WITHIN_S:g} s.")
        time.sleep(POLL_S)
