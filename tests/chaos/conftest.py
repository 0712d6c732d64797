"""Services that all cases share, worlds of their own, and the count of what was proved."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from adapters import clients, secrets
from adapters.settings import settings
from tests.chaos.counting import Counts, table
from tests.chaos.invariants import INVARIANTS, Findings
from tests.chaos.services import Services, services
from tests.chaos.stories import Story
from tests.chaos.telling import MakeWorld, Prove
from tests.chaos.world import World, on_loop

PROVED = pytest.StashKey[Counts]()


@pytest.fixture(scope="package")
def local_services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Everything but the Functions host; the app's clients are closed with it, as other tests have their own."""
    _forget()
    with services(tmp_path_factory.mktemp("chaos")) as started:
        yield started
        on_loop(clients.close_all())
        _forget()


def _forget() -> None:
    settings.cache_clear()
    secrets.forget_all()


@pytest.fixture
def hasty_stripe(monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK waits real seconds between its attempts, of which a hundredth does."""
    monkeypatch.setattr("stripe._http_client.HTTPClient.INITIAL_DELAY", 0.05)
    monkeypatch.setattr("stripe._http_client.HTTPClient.MAX_DELAY", 0.05)


@pytest.fixture(scope="package")
def hasty_cosmos(local_services: Services) -> Iterator[None]:
    """A client that waits half a second for an answer, not fifteen."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clients, "_COSMOS_READ_TIMEOUT_S", 0.5)
        on_loop(clients.close_all())
        yield


@pytest.fixture
def world(local_services: Services) -> Iterator[MakeWorld]:
    """`world(story)`: a world in which the story can be told; any number of them."""
    with ExitStack() as worlds:

        def make(story: Story) -> World:
            made = World(local_services, dict(story.stock), **story.settings)
            worlds.callback(made.close)
            return made

        yield make


@pytest.fixture
def prove(request: pytest.FixtureRequest) -> Prove:
    """`prove(world, story)`: every invariant holds; it is counted."""
    counts = request.config.stash.setdefault(PROVED, Counter())

    def check(world: World, story: str) -> None:
        found = Findings.of(world)
        for invariant in INVARIANTS:
            invariant(found)
            counts[invariant.__name__, story] += 1

    return check


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """`CHAOS=1/2` runs the first half of all cases, `CHAOS=2/2` the other one."""
    share, of, parts = os.environ.get("CHAOS", "").partition("/")
    if of:
        left_out = [item for place, item in enumerate(items) if place % int(parts) != int(share) - 1]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """How many cases were proved, per invariant and per story; also for whoever adds up the shares."""
    counts = config.stash.get(PROVED, Counter())
    if counts:
        terminalreporter.section("cases that were proved")
        for line in table(counts):
            terminalreporter.write_line(line)
    if file := os.environ.get("CHAOS_COUNTS"):
        Path(file).write_text(json.dumps([[*names, number] for names, number in counts.items()]))
