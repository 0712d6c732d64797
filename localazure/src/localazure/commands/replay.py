"""`localazure replay`: recorded histories against today's orchestrators, for CI."""

from __future__ import annotations

from pathlib import Path

import click

from localazure.commands.common import Failure, example
from localazure.errors import ConfigError


@example("localazure replay tests/histories/*.json --app .")
@click.command()
@click.argument("histories", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--app", type=click.Path(path_type=Path, file_okay=False, exists=True), default=".",
    help="Folder of the Functions app (host.json).", show_default=True)  # fmt: skip
def replay(histories: tuple[Path, ...], app: Path) -> None:
    """Replay recorded HISTORIES; one line for each that diverges or cannot be read, and exit code 1."""
    from localazure.testing.replaying import problems_of  # noqa: PLC0415  # other commands start without the kit

    try:
        problems = problems_of(histories, app)
    except ConfigError as error:
        raise Failure(f"{error}\n{error.details}".rstrip()) from error
    for problem in problems:
        click.echo(problem)
    if problems:
        raise Failure(f"{len(problems)} of {len(histories)} histories do not replay.")
    click.echo(f"{len(histories)} histories replay.")
