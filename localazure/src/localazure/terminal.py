"""Reports at a terminal: colours only there and only when welcome, and no wider than it is."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping

import click

PLAIN_WIDTH = 120
"""Columns of a report that goes to a file or a pipe."""


def show(text: str, environment: Mapping[str, str] = os.environ) -> None:
    """Print a report. Its colours are left out with NO_COLOR, and where standard output is no terminal."""
    click.echo(text, color=False if environment.get("NO_COLOR") else None)


def width() -> int:
    """Columns of the terminal; a fixed number where standard output is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else PLAIN_WIDTH
