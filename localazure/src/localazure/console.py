"""What the person at the terminal sees of the server itself."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

import click

PREFIX = "localazure: "


class Console:
    """Progress to standard output (not with `quiet`), problems to standard error; colours unless NO_COLOR is set."""

    def __init__(self, *, quiet: bool = False, environment: Mapping[str, str] = os.environ) -> None:
        self.quiet = quiet
        self._color = False if environment.get("NO_COLOR") else None  # None: colours on a terminal only

    def say(self, text: str) -> None:
        """Report progress."""
        if not self.quiet:
            click.echo(click.style(PREFIX, fg="cyan") + text, color=self._color)

    def show(self, text: str) -> None:
        """Print what was asked for, styled or not, as a line of its own."""
        click.echo(text, color=self._color)

    def warn(self, text: str) -> None:
        """Report a problem."""
        click.echo(click.style(PREFIX, fg="red") + text, err=True, color=self._color)

    def pass_on(self, output: bytes) -> None:
        """Show what a child wrote, as it is."""
        if not self.quiet:
            try:
                sys.stdout.buffer.write(output)
                sys.stdout.buffer.flush()
            except BrokenPipeError:
                self.quiet = True  # whoever read it has gone; the log file still has everything
