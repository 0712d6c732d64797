"""What the person at the terminal sees of the server itself."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime

import click

PREFIX = "localazure: "
_LOG_LINE = re.compile(r"(\[[^\]]+\]) (\[[^\]]+\])(?:( \w+:)?)(.*)", re.DOTALL)
_COLORS = {" Warning:": "yellow", " Error:": "red", " Critical:": "red"}


class Console:
    """Progress to standard output (not with `quiet`), problems to standard error; colours unless NO_COLOR is set.

    With `json`, both are JSON objects of the same form as those of the host's log.
    """

    def __init__(self, *, quiet: bool = False, json: bool = False, environment: Mapping[str, str] = os.environ) -> None:
        self.quiet = quiet
        self._is_json = json
        self._color = False if environment.get("NO_COLOR") else None  # None: colours on a terminal only

    @property
    def is_for_programs(self) -> bool:
        """Whether nothing but log lines is wanted."""
        return self.quiet or self._is_json

    @property
    def shows_colors(self) -> bool:
        """Whether a person at a terminal reads what `pass_on` shows."""
        return self._color is None and not self._is_json and sys.stdout.isatty()

    def say(self, text: str) -> None:
        """Report progress."""
        if not self.quiet:
            click.echo(self._line(text, "Information"), color=self._color)

    def show(self, text: str) -> None:
        """Print what was asked for, styled or not, as a line of its own."""
        click.echo(text, color=self._color)

    def warn(self, text: str) -> None:
        """Report a problem."""
        click.echo(self._line(text, "Error"), err=True, color=self._color)

    def _line(self, text: str, level: str) -> str:
        if not self._is_json:
            return click.style(PREFIX, fg="cyan" if level == "Information" else "red") + text
        moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        fields = {"time": moment, "level": level, "category": "Server", "function": None, "invocationId": None}
        return json.dumps({**fields, "message": text}, ensure_ascii=False)

    def pass_on(self, output: bytes) -> None:
        """Show whole lines that a child wrote: as they are, or coloured at a terminal."""
        if not self.quiet:
            if self.shows_colors:
                output = b"".join(map(painted, output.splitlines(keepends=True)))
            try:
                sys.stdout.buffer.write(output)
                sys.stdout.buffer.flush()
            except BrokenPipeError:
                self.quiet = True  # whoever read it has gone; the log file still has everything


def painted(line: bytes) -> bytes:
    """A line of the host's log with its time dim, its category blue, and problems in the colour of their level."""
    parts = _LOG_LINE.fullmatch(line.decode(errors="replace"))
    if parts is None:
        return line
    time, category, level, text = parts.groups(default="")
    fg = _COLORS.get(level)
    head = f"{click.style(time, dim=True)} {click.style(category, fg='blue')}"
    return f"{head}{click.style(level + text, fg=fg) if fg else level + text}".encode()
