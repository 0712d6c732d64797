"""`localazure token`: a bearer token of the running issuer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from localazure.commands.common import Failure, example, folders, state_folder
from localazure.config import load_config
from localazure.errors import ConfigError


@example("localazure token --tenant demo --role operator --subject u-1")
@click.command()
@folders
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

    folder = state_folder(app, state)
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
