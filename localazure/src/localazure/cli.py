"""The command `localazure`: start, stop, status, reset, token."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from localazure.config import STATE, load_config
from localazure.console import Console
from localazure.errors import ConfigError
from localazure.state import StateError, StateFolder

Command = TypeVar("Command", bound=click.Command)

STOP_WITHIN_S = 60.0
POLL_S = 0.05


class Failure(click.ClickException):
    """An expected problem: its text is all that there is to say."""

    def show(self, file: Any = None) -> None:  # noqa: ARG002  # click's signature
        Console().warn(self.message)


def _example(text: str) -> Callable[[Command], Command]:
    def add(command: Command) -> Command:
        command.epilog = f"Example: {text}"
        return command

    return add


def _folders(command: Callable[..., None]) -> Callable[..., None]:
    """The options that every command has."""
    app = click.option("--app", type=click.Path(path_type=Path, file_okay=False, exists=True), default=".",
        help="Folder of the Functions app (host.json).", show_default=True)  # fmt: skip
    state = click.option("--state", type=click.Path(path_type=Path, file_okay=False),
        help=f"Folder of all local state.  [default: {STATE} in the app]")  # fmt: skip
    return app(state(command))


@_example("localazure start --app .")
@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Runs a Python Durable Functions app on this machine: Functions host, Azurite, Cosmos DB, Key Vault, identity."""


def _read_ports(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> dict[str, int]:
    ports = {}
    for value in values:
        name, _, port = value.partition("=")
        if not port.isdecimal() or int(port) > 65_535:
            raise click.BadParameter(f"{value!r} is not NAME=PORT, such as api=7071")
        ports[name] = int(port)
    return ports


@_example("localazure start --app . --port api=7080 --port cosmos=0")
@main.command()
@_folders
@click.option("--port", "ports", multiple=True, metavar="NAME=PORT", callback=_read_ports,
    help="A port of one part; 0 takes any free one. May be repeated.")  # fmt: skip
@click.option("--free-ports", is_flag=True, help="Any free port for every part that --port does not name.")
@click.option("--services-only", is_flag=True, help="Everything but the Functions host, for `func start`.")
@click.option("--enable-auth", is_flag=True, help="Make the host ask for function keys, as in the cloud.")
@click.option("--quiet", is_flag=True, help="Show problems only, not progress and the host's log.")
def start(app: Path, state: Path | None, quiet: bool, **options: Any) -> None:
    """Start everything the app needs, then the app; Ctrl-C stops it. State is kept."""
    from localazure.preparation import Options, make_settings_file  # noqa: PLC0415  # the other commands are quick
    from localazure.processes import ProcessFailedError  # noqa: PLC0415  # the other commands are quick
    from localazure.provision import ProvisioningError  # noqa: PLC0415  # the other commands are quick
    from localazure.server import Server  # noqa: PLC0415  # the other commands are quick

    console = Console(quiet=quiet)
    app = app.resolve()
    try:
        make_settings_file(app, console)
        asyncio.run(Server(load_config(app), _state(app, state), Options(**options), console).run())
    except (ConfigError, StateError, ProcessFailedError, ProvisioningError) as error:
        raise Failure(str(error)) from error


@_example("localazure stop --app .")
@main.command()
@_folders
def stop(app: Path, state: Path | None) -> None:
    """Stop a running server as Ctrl-C does, and wait until it has ended."""
    folder = _state(app, state)
    if not folder.is_in_use():
        raise Failure(f"No server uses {folder.path}.")
    os.kill(folder.server_pid(), signal.SIGTERM)
    deadline = time.monotonic() + STOP_WITHIN_S
    while folder.is_in_use():
        if time.monotonic() > deadline:
            raise Failure(f"The server did not stop within {STOP_WITHIN_S:g} s.")
        time.sleep(POLL_S)


@_example("localazure status --app .")
@main.command()
@_folders
def status(app: Path, state: Path | None) -> None:
    """Show what runs and where; exit code 1 when nothing does."""
    folder = _state(app, state)
    if not folder.is_in_use():
        raise Failure(f"Nothing runs on {folder.path}.")
    for name, pid in folder.pids().items():
        click.echo(f"{name:10} pid {pid}")
    for name, url in folder.endpoints().items():
        click.echo(f"{name:10} {url}")


@_example("localazure reset --app .")
@main.command()
@_folders
def reset(app: Path, state: Path | None) -> None:
    """Delete all local state: orchestrations, databases, blobs, queues, secrets, keys, logs."""
    try:
        _state(app, state).delete()
    except StateError as error:
        raise Failure(str(error)) from error


@_example("localazure token --tenant demo --role operator --subject u-1")
@main.command()
@_folders
@click.option("--tenant", required=True, help="The token's `tid`.")
@click.option("--subject", required=True, help="The token's `sub`: who it is for.")
@click.option("--role", "roles", multiple=True, help="One of its `roles`. May be repeated.")
@click.option("--audience", help="Its `aud`.  [default: [auth] audience in localazure.toml]")
@click.option("--lifetime", type=int, metavar="SECONDS", help="Until it expires; below 0: expired that long ago.")
def token(app: Path, state: Path | None, audience: str | None, lifetime: int | None, **claims: Any) -> None:
    """Print a bearer token of the running issuer for a user."""
    from localazure.clock import SystemClock  # noqa: PLC0415  # the other commands are quick
    from localazure.issuer.tokens import LIFETIME_S, USER_SCOPE, TokenRequest, issue_token  # noqa: PLC0415  # as above
    from localazure.keys import SigningKey  # noqa: PLC0415  # as above

    folder = _state(app, state)
    issuer_url = folder.endpoints().get("issuer")
    if not folder.is_in_use() or not issuer_url:
        raise Failure(f"Nothing runs on {folder.path}, and a token names its running issuer; use `localazure start`.")
    request = TokenRequest(
        audience=audience or _audience(app),
        client_id="localazure",
        scopes=(USER_SCOPE,),
        lifetime_s=LIFETIME_S if lifetime is None else lifetime,
        **claims,
    )
    key = SigningKey.load(folder.keys, "issuer")
    click.echo(issue_token(request, issuer_url=issuer_url, key=key, clock=SystemClock()))


def _audience(app: Path) -> str:
    try:
        audience = load_config(app.resolve()).audience
    except ConfigError as error:
        raise Failure(str(error)) from error
    if not audience:
        raise Failure("The token needs an audience: give --audience, or set [auth] audience in localazure.toml.")
    return audience


def _state(app: Path, state: Path | None) -> StateFolder:
    return StateFolder(state or app / STATE)
