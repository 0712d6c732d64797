"""`localazure stop`: end a system that another terminal started."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
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
    pid = folder.server_pid()
    if not pid:  # to a process of its own group, 0 would mean all of them
        raise Failure(f"The server that uses {folder.path} has only begun to start; try again.")
    with suppress(ProcessLookupError):  # it has just ended
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_WITHIN_S
    while folder.is_in_use():
        if time.monotonic() > deadline:
            raise Failure(f"The server did not stop within {STOP_WITHIN_S:g} s.")
        time.sleep(POLL_S)
