"""`localazure lint`: whether the app's orchestrators can be replayed."""

from __future__ import annotations

import os
from pathlib import Path

import click

from localazure.commands.common import Failure, example
from localazure.errors import ConfigError
from localazure.terminal import show

DEFAULT_SCRIPT = "function_app.py"


@example("localazure lint --app .")
@click.command()
@click.option("--app", type=click.Path(path_type=Path, file_okay=False, exists=True), default=".",
    help="Folder of the Functions app.", show_default=True)  # fmt: skip
@click.option("--format", "form", type=click.Choice(["text", "json", "github"]), default="text", show_default=True,
    help="For people, programs, or GitHub's workflow log.")  # fmt: skip
def lint(app: Path, form: str) -> None:
    """Check the source of all orchestrators for what a replay would do differently; exit code 1 with findings.

    Nothing of the app is run. `# localazure: allow RULE: REASON` at the end of a line silences one finding there.
    """
    from localazure.lint import linting  # noqa: PLC0415  # the other commands are quick
    from localazure.lint.formats import FORMATS  # noqa: PLC0415  # the other commands are quick

    try:
        result = linting.lint(app, _script(app))
    except ConfigError as error:
        raise Failure(str(error)) from error
    show(FORMATS[form](result, app))
    if result.findings:
        raise click.exceptions.Exit(1)


def _script(app: Path) -> str:
    """The file in which the host looks for functions. Raises ConfigError when the settings cannot be read."""
    from localazure.host.settings import Settings, load_local_settings  # noqa: PLC0415  # the other commands are quick

    environment = dict(os.environ)
    load_local_settings(app, environment)
    return Settings(environment).get("PYTHON_SCRIPT_FILE_NAME", DEFAULT_SCRIPT)
