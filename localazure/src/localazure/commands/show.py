"""`localazure show`: the history of one instance as a timeline."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from localazure.commands.common import Failure, example, folders, state_folder
from localazure.terminal import show as print_report
from localazure.terminal import width

if TYPE_CHECKING:
    from localazure.durable.store import Loaded
    from localazure.insight.hub_file import HubFile

MAX_LISTED = 10


@example("localazure show fulfil:demo:01J9 --children")
@click.command()
@click.argument("instance")
@folders
@click.option("--children", is_flag=True, help="Also the timelines of its sub-orchestrations, below their rows.")
@click.option("--json", "as_json", is_flag=True, help="The stored instance, history and inbox instead.")
def show(instance: str, app: Path, state: Path | None, children: bool, as_json: bool) -> None:
    """Draw the history of an INSTANCE: its id, the beginning of it, or any part that no other id has.

    Reads the task hub's file, so it also works when the system is stopped.
    """
    from localazure.clock import SystemClock  # noqa: PLC0415  # the other commands are quick
    from localazure.insight.drawing import draw  # noqa: PLC0415  # as above
    from localazure.insight.hub_file import FILE, HubFile, HubFileError  # noqa: PLC0415  # as above
    from localazure.insight.timeline import timeline_of  # noqa: PLC0415  # as above

    folder = state_folder(app, state)
    now = SystemClock().now()
    try:
        with HubFile.opened(folder.path / FILE) as hub:
            loaded = _the_one(hub, instance)
            family = dict(_descendants(hub, loaded)) if children else {}
    except HubFileError as error:
        raise Failure(str(error)) from error
    if as_json:
        click.echo(
            json.dumps(_raw(loaded) | ({"children": [*map(_raw, family.values())]} if children else {}), indent=2)
        )
        return
    timelines = {instance_id: timeline_of(child) for instance_id, child in family.items()}
    print_report(draw(timeline_of(loaded), timelines, now, width()))
    if not loaded.instance.status.is_final and not folder.is_in_use():
        print_report("\nThe system is stopped: this is how it will find the instance when it starts again.")


def _the_one(hub: HubFile, text: str) -> Loaded:
    """The instance that a text means. Raises Failure, with a list when there are several."""
    found = hub.find(text, MAX_LISTED + 1)
    beginning = [each for each in found if each.startswith(text)]
    chosen = [text] if text in found else beginning or found
    if len(chosen) == 1 and (loaded := hub.load(chosen[0])) is not None:
        return loaded
    if not found:
        raise Failure(f"No instance has {text!r} in its id. `localazure status` tells what there is.")
    shown = [hub.load(each) for each in chosen[:MAX_LISTED]]
    lines = [_line(each) for each in shown if each is not None]
    more = ["  ..."] if len(chosen) > MAX_LISTED else []
    raise Failure("\n".join([f"{text!r} may be any of these:", *lines, *more]))


def _line(loaded: Loaded) -> str:
    instance = loaded.instance
    created = f"{instance.created_at:%Y-%m-%d %H:%M:%S}"
    return f"  {instance.start.instance_id}  {instance.start.name}  {instance.status}  {created}"


def _descendants(hub: HubFile, loaded: Loaded) -> Iterator[tuple[str, Loaded]]:
    for event in loaded.history:
        child_id = event.get("InstanceId") if "Version" in event else None
        child = hub.load(child_id) if child_id else None
        if child_id and child is not None:
            yield child_id, child
            yield from _descendants(hub, child)


def _raw(loaded: Loaded) -> dict[str, Any]:
    from localazure.durable.views import status_view  # noqa: PLC0415  # the other commands are quick

    inbox = [message.event for message in loaded.inbox]
    return {"instance": status_view(loaded.instance), "history": loaded.history, "inbox": inbox}
