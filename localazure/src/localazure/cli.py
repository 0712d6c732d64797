"""The command `localazure`. Each command is a module of `commands/`, registered here."""

from __future__ import annotations

import click

from localazure.commands.common import example
from localazure.commands.cosmos import cosmos
from localazure.commands.functions import functions
from localazure.commands.lint import lint
from localazure.commands.logs import logs
from localazure.commands.replay import replay
from localazure.commands.reset import reset
from localazure.commands.show import show
from localazure.commands.start import start
from localazure.commands.status import status
from localazure.commands.stop import stop
from localazure.commands.token import token


@example("localazure start --app .")
@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(prog_name="localazure", package_name="localazure")
def main() -> None:
    """Runs a Python Durable Functions app on this machine: Functions host, Azurite, Cosmos DB, Key Vault, identity."""


for command in (start, stop, status, functions, logs, reset, token, cosmos, lint, replay, show):
    main.add_command(command)
