"""`localazure logs`: what a process of the system printed."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import click

from localazure.commands.common import Failure, example, folders, state_folder
from localazure.console import Console

LOOK_EVERY_S = 0.2
_BLOCK = 65_536


@example("localazure logs -f", "localazure logs cosmos --lines 20")
@click.command()
@click.argument("name", default="host")
@folders
@click.option("--follow", "-f", is_flag=True, help="Go on with what is printed from now on, until Ctrl-C.")
@click.option(
    "--lines", "-n", type=click.IntRange(min=0), default=200, show_default=True, help="How many to begin with."
)
def logs(name: str, app: Path, state: Path | None, follow: bool, lines: int) -> None:
    """Show the log of a part, NAME: host, cosmos, services, azurite or a companion; of a stopped system too."""
    folder = state_folder(app, state).logs
    path = folder / f"{name}.log"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in folder.glob("*.log"))) or "none yet"
        raise Failure(f"{path} does not exist. Logs in {folder}: {known}.")
    console = Console()
    with path.open("rb") as log:
        console.pass_on(b"".join(log.readlines()[-lines:] if lines else []))
        if follow:
            with suppress(KeyboardInterrupt):
                for part in _arriving(path, log):
                    console.pass_on(part)


def _arriving(path: Path, log: BinaryIO) -> Iterator[bytes]:
    """Whole lines as they are written, for ever; also those of the new file, when a log has grown so large."""
    rest = b""
    while True:
        if part := log.read(_BLOCK):
            lines, end, rest = (rest + part).rpartition(b"\n")
            yield lines + end
        elif path.stat().st_ino != os.fstat(log.fileno()).st_ino:
            log = path.open("rb")  # the command ends with it
        else:
            time.sleep(LOOK_EVERY_S)
