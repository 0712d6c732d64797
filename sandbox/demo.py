"""Plays the stories of orders and users; prints each order's timeline, its money and its stock.

Uses the system that runs from `.localazure/`; starts one of its own, with fresh state, when none does. What happens
only after hours or days (nobody approves, a parcel is silent, a return never comes) is played in tests/unit with a
clock that is set forward, not here. `--markdown` prints the stories for docs/stories.md.
"""

from __future__ import annotations

import json
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import requests
from localazure.testing import System

from sandbox.client import Client, Staff, expect
from sandbox.stories import STORIES, Scene, Story
from sandbox.user_stories import REGISTRATION, USER_STORIES, Diary
from sandbox.welcome import CATALOGUE, TENANT, seed, token

APP = Path(__file__).resolve().parent.parent
STATE = APP / ".localazure"
WAITING = """
Not played here, because they take hours or days; tests/unit plays them with a clock that is set forward:
nobody approves within 24 h, nobody answers a shortage within 48 h, a parcel is silent for 7 days, a return does not
arrive within 30 days, nobody tells the code within 24 h."""


def main() -> None:
    """Play every story; end with an error if one ends otherwise than it must."""
    tell = print_block if "--markdown" in sys.argv else print_story
    with running_system() as scene:
        seed(scene.staff.admin)
        for story in (*STORIES, REGISTRATION, *USER_STORIES):
            tell(story, played(story, scene) if isinstance(story, Story) else story.play(scene))
    if tell is print_story:
        print(WAITING)


def played(story: Story, scene: Scene) -> list[str]:
    """What is to be told of the story's order. Raises SystemExit when it ends otherwise than it must."""
    restock(scene.staff.admin)
    before = stocks(scene.staff.operator)
    order_id = story.play(scene)
    status = scene.staff.operator.order(order_id)["status"]
    lines = told(scene.staff, order_id, before)
    if status != story.ends_in:
        raise SystemExit("\n".join([*lines, f"This order had to end in {story.ends_in}, and is {status}."]))
    return lines


@contextmanager
def running_system() -> Iterator[Scene]:
    """The demo tenant's people and what is around them, of the running system or of one started for this demo."""
    if is_running():
        yield people(STATE)
        return
    print("No system is running (make run): starting one for this demo ...", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="waybill-demo-") as folder, System(app=APP, state=Path(folder)) as system:
        yield people(system.state)


def is_running() -> bool:
    """Whether the system of `.localazure/` answers."""
    try:
        api = json.loads((STATE / "endpoints.json").read_text())["api"]
        return requests.get(f"{api}/health/live", timeout=5).ok
    except (OSError, ValueError, KeyError):
        return False


def people(state: Path) -> Scene:
    """Everybody of the demo tenant, the payment provider and the mailboxes."""
    endpoints = json.loads((state / "endpoints.json").read_text())

    def client_of(role: str, subject: str) -> Client:
        return Client(endpoints["api"], token(state, TENANT, role, subject))

    return Scene(Staff.of(client_of), endpoints["payments"], endpoints["mail"], partial(client_of, "customer"))


def told(staff: Staff, order_id: str, before: dict[str, tuple[int, int]]) -> list[str]:
    """The timeline of an order, and what became of money and stock."""
    order = staff.operator.order(order_id)
    flag = ", needs attention" if order["needsAttention"] else ""
    lines = [f"order {order_id}: {order['status']}{' (' + order['reason'] + ')' if order['reason'] else ''}{flag}"]
    for event in staff.operator.timeline(order_id):
        subject = (event["subject"] or "").removeprefix(order_id)
        what = f"{event['type']} {subject}".strip()
        who = f"{event['actor']}:" if event["detail"] else event["actor"]
        lines.append(f"  {event['at'][11:23]}  {event['status']:<18} {what:<31} {who} {event['detail'] or ''}".rstrip())
    money = order["payment"]
    moved = [f"{name} {money[f'{name}Minor'] / 100:.2f}" for name in ("authorised", "captured", "refunded")]
    lines.append(f"  money {money['status']}: {', '.join(moved)} {order['currency']}")
    after = stocks(staff.operator)
    for sku in dict.fromkeys(line["sku"] for line in order["lines"] if line["sku"] in after):
        lines.append(f"  stock {sku}: {counted(before[sku])} → {counted(after[sku])}")
    return lines


def counted(stock: tuple[int, int]) -> str:
    """`40 on hand, 2 reserved`."""
    return f"{stock[0]} on hand, {stock[1]} reserved"


def print_story(story: Story | Diary, lines: list[str]) -> None:
    """For a terminal."""
    print(f"\n{story.title}\n{'─' * len(story.title)}", *lines, sep="\n", flush=True)


def print_block(story: Story | Diary, lines: list[str]) -> None:
    """For docs/stories.md."""
    text = "\n".join(textwrap.wrap(story.text, 118))
    print(f"## {story.title}\n\n{text}\n\n```", *lines, "```\n", sep="\n", flush=True)


def restock(admin: Client) -> None:
    """As much to sell of everything as on the first day, however often the demo was played: orders keep their stock."""
    for sku, *_, opening in CATALOGUE:
        on_hand, reserved = admin.stock(sku)
        if missing := opening - (on_hand - reserved):
            expect(admin.post(f"/v1/products/{sku}/stock", {"delta": missing, "reason": "demo"}), 200)


def stocks(operator: Client) -> dict[str, tuple[int, int]]:
    """(on hand, reserved) of each product."""
    return {sku: operator.stock(sku) for sku, *_ in CATALOGUE}


if __name__ == "__main__":
    main()
