"""What all commands share: the folders they take, an example in their help, and how they fail."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from localazure.config import STATE
from localazure.console import Console
from localazure.state import StateFolder

Command = TypeVar("Command", bound=click.Command)


class Failure(click.ClickException):
    """An expected problem: its text is all that there is to say."""

    def show(self, file: Any = None) -> None:  # noqa: ARG002  # click's signature
        Console().warn(self.message)


def example(*texts: str) -> Callable[[Command], Command]:
    """Show these command lines at the end of the command's help."""

    def add(command: Command) -> Command:
        command.epilog = "\n\n".join(f"Example: {text}" for text in texts)
        return command

    return add


def folders(command: Callable[..., None]) -> Callable[..., None]:
    """The options that commands about one app have: `app` and `state`."""
    app = click.option("--app", type=click.Path(path_type=Path, file_okay=False, exists=True), default=".",
        help="Folder of the Functions app (host.json).", show_default=True)  # fmt: skip
    state = click.option("--state", type=click.Path(path_type=Path, file_okay=False),
        help=f"Folder of all local state.  [default: {STATE} in the app]")  # fmt: skip
    return app(state(command))


def state_folder(app: Path, state: Path | None) -> StateFolder:
    """The folder that `--app` and `--state` mean."""
    return StateFolder(state or app / STATE)
