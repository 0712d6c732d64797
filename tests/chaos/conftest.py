"""Services that all cases share, worlds of their own, and the count of what was proved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from adapters import clients, secrets
from adapters.settings import settings
from tests.chaos.counting import Counts, table
from tests.chaos.invariants import INVARIANTS, Findings
from tests.chaos.stories import Story
from tests.chaos.telling import MakeWorld, Prove
from tests.chaos.user_invariants import USER_INVARIANTS
from tests.chaos.user_world import UserWorld
from tests.chaos.world import World, on_loop
from tests.services import Services, services

PROVED = pytest.StashKey[Counts]()


@pytest.fixture(scope="package")
def local_services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Everything but the Functions host; the app's clients are closed with it, as other tests have their own."""
    _forget()
    with services(tmp_path_factory.mktemp("chaos")) as started:
        started.settings["PAYMENTS_TIMEOUT_SECONDS"] = "0.3"  # a provider that is slow here is slow on purpose
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


@pytest.fixture(autouse=True)
def hasty_registration(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever registers a user while there is trouble is told soon to look later."""
    monkeypatch.setattr("triggers.user_registration._WAIT_S", 0.2)


@pytest.fixture
def world(local_services: Services) -> Iterator[MakeWorld]:
    """`world(story)`: a world in which the story can be told; any number of them."""
    with ExitStack() as worlds:

        def make(story: Story) -> World:
            made = story.world(local_services, dict(story.stock), **story.settings)
            worlds.callback(made.close)
            return made

        yield make


@pytest.fixture
def prove(request: pytest.FixtureRequest) -> Prove:
    """`prove(world, story)`: every invariant holds; it is counted."""
    counts = _proved(request.config)

    def check(world: World, story: str) -> None:
        found = Findings.of(world)
        for invariant in INVARIANTS:
            invariant(found)
            counts[invariant.__name__, story] += 1
        if isinstance(world, UserWorld):
            for of_users in USER_INVARIANTS:
                of_users(world)
                counts[of_users.__name__, story] += 1

    return check


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker tells whoever started it what it has proved."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["proved"] = [[*names, number] for names, number in _proved(session.config).items()]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Add up what the workers have proved; one that died has told nothing."""
    told = getattr(node, "workeroutput", {}).get("proved", [])
    _proved(node.config).update({(invariant, story): number for invariant, story, number in told})


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """How many cases were proved, per invariant and per story."""
    if counts := _proved(config):
        terminalreporter.section("cases that were proved")
        for line in table(counts):
            terminalreporter.write_line(line)


def _proved(config: pytest.Config) -> Counts:
    return config.stash.setdefault(PROVED, Counter())
