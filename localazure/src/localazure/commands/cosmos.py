"""`localazure cosmos`: look inside the Cosmos DB of a running system."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import click

from localazure.commands.common import example, folders
from localazure.commands.cosmos_account import running_account, without_system_properties
from localazure.commands.tables import columns_of, show_table
from localazure.console import Console

LIST: Final = "list"


class _Group(click.Group):
    """Without a command of its own, it lists."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ctx.help_option_names):
            args = [LIST, *args]
        return super().parse_args(ctx, args)


def _as_json(command: Callable[..., None]) -> Callable[..., None]:
    return click.option("--json", "as_json", is_flag=True, help="One JSON object per line, for programs.")(command)


def _read_key(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> list[Any]:
    return [_value(text) for text in values]


def _value(text: str) -> Any:
    """A JSON scalar, or else the text itself."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return text if isinstance(value, dict | list) else value


@example("localazure cosmos query orders 'SELECT c.id, c.status FROM c' --partition-key acme")
@click.group(cls=_Group)
def cosmos() -> None:
    """Look into the Cosmos DB of the running system: list, query, tail, charges. Alone: list."""


@example("localazure cosmos list --json")
@cosmos.command(LIST)
@folders
@_as_json
def list_containers(app: Path, state: Path | None, as_json: bool) -> None:
    """List databases and containers with the number and size of their items."""
    rows = [asdict(facts) for facts in running_account(app, state).containers()]
    if as_json:
        _show_lines(rows)
    else:
        show_table(Console(), ("database", "container", "partition_key", "items", "kib"), rows)


@example("localazure cosmos query shop/orders 'SELECT TOP 3 * FROM c ORDER BY c._ts DESC' --table")
@cosmos.command()
@folders
@click.argument("container")
@click.argument("sql")
@click.option("--partition-key", "key", multiple=True, metavar="VALUE", callback=_read_key,
    help="Only this logical partition; once per level. 5, true and null are JSON, '\"5\"' is a text.")  # fmt: skip
@click.option("--table", is_flag=True, help="Columns instead of JSON lines.")
def query(app: Path, state: Path | None, *, container: str, sql: str, key: list[Any], table: bool) -> None:
    """Run a query on CONTAINER (or DATABASE/CONTAINER) and print a JSON line per row."""
    account = running_account(app, state)
    rows = account.query(account.container(container), sql, key)
    if not table:
        _show_lines(rows)
        return
    objects = [without_system_properties(row) if isinstance(row, dict) else {"value": row} for row in rows]
    show_table(Console(), columns_of(objects), objects)


@example("localazure cosmos tail orders --from-beginning")
@cosmos.command()
@folders
@click.argument("container")
@click.option("--from-beginning", is_flag=True, help="Show first what is there already.")
@_as_json
def tail(app: Path, state: Path | None, container: str, from_beginning: bool, as_json: bool) -> None:
    """Follow the change feed of CONTAINER until Ctrl-C: every item, as it is written."""
    account, console = running_account(app, state), Console()
    try:
        for item in account.changes(account.container(container), from_beginning=from_beginning):
            console.show(_dumped(item) if as_json else _change(item))
    except KeyboardInterrupt:
        return


@example("localazure cosmos charges --reset")
@cosmos.command()
@folders
@click.option("--reset", is_flag=True, help="Then count from zero.")
@_as_json
def charges(app: Path, state: Path | None, reset: bool, as_json: bool) -> None:
    """Sum up the request units of each operation and container since Cosmos DB started. They are estimates."""
    account = running_account(app, state)
    counted = account.charges()
    if as_json:
        _show_lines(counted["charges"])
    else:
        columns = ("database", "container", "operation", "requests", "charge", "average", "highest")
        rows = [{**one, "average": round(one["charge"] / one["requests"], 2)} for one in counted["charges"]]
        show_table(Console(), columns, rows)
        total = sum(one["charge"] for one in rows)
        Console().show(f"{total:.2f} request units since {_local(counted['since']):%Y-%m-%d %H:%M:%S} (estimates)")
    if reset:
        account.forget_charges()


def _show_lines(rows: Any) -> None:
    for row in rows:
        click.echo(_dumped(row))


def _dumped(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _change(item: dict[str, Any]) -> str:
    written = datetime.fromtimestamp(item["_ts"]).astimezone()
    place = click.style(f"{written:%H:%M:%S} lsn {item['_lsn']}", dim=True)
    return f"{place} {_dumped(without_system_properties(item))}"


def _local(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp).astimezone()
