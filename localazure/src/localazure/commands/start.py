"""`localazure start`: everything the app needs, then the app."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import click

from localazure.commands.common import Failure, example, folders, state_folder
from localazure.config import load_config
from localazure.console import Console
from localazure.errors import ConfigError
from localazure.state import StateError


def _read_ports(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> dict[str, int]:
    ports = {}
    for value in values:
        name, _, port = value.partition("=")
        if not port.isdecimal() or int(port) > 65_535:
            raise click.BadParameter(f"{value!r} is not NAME=PORT, such as api=7071")
        ports[name] = int(port)
    return ports


@example("localazure start --app . --port api=7080 --port cosmos=0", "localazure start --free-ports --json --no-reload")
@click.command()
@folders
@click.option("--port", "ports", multiple=True, metavar="NAME=PORT", callback=_read_ports,
    help="A port of one part; 0 takes any free one. May be repeated.")  # fmt: skip
@click.option("--free-ports", is_flag=True, help="Any free port for every part that --port does not name.")
@click.option("--services-only", is_flag=True, help="Everything but the Functions host, for `func start`.")
@click.option("--enable-auth", is_flag=True, help="Make the host ask for function keys, as in the cloud.")
@click.option("--reload/--no-reload", default=True, show_default=True,
    help="Load the app anew when one of its sources changes, without losing what runs.")  # fmt: skip
@click.option("--json", is_flag=True, help="Log one JSON object a line, for programs.")
@click.option("--verbose", is_flag=True, help="Show also what the host does at level Debug.")
@click.option("--quiet", is_flag=True, help="Show problems only, not progress and the host's log.")
def start(app: Path, state: Path | None, quiet: bool, **options: Any) -> None:
    """Start everything the app needs, then the app; Ctrl-C stops it. State is kept."""
    from localazure.preparation import Options, make_settings_file  # noqa: PLC0415  # the other commands are quick
    from localazure.processes import ProcessFailedError  # noqa: PLC0415  # the other commands are quick
    from localazure.provision import ProvisioningError  # noqa: PLC0415  # the other commands are quick
    from localazure.server import Server  # noqa: PLC0415  # the other commands are quick

    console = Console(quiet=quiet, json=options["json"])
    app = app.resolve()
    try:
        make_settings_file(app, console)
        asyncio.run(Server(load_config(app), state_folder(app, state), Options(**options), console).run())
    except (ConfigError, StateError, ProcessFailedError, ProvisioningError) as error:
        raise Failure(str(error)) from error
