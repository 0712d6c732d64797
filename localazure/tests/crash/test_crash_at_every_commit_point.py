"""A task hub killed at any moment goes on as if nothing had happened, once it is started again.

One test per scenario and mode: it lives once undisturbed, which tells its moments, and then once for each of them, to
be killed there. What must be true of all those lives is in `crash_lab/checks.py`. Generators that are kept between
turns die with their process, so that mode is killed around its transactions only.
"""

from __future__ import annotations

import ast
import inspect
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from crash_lab.scenarios import SCENARIOS
from localazure.durable import sqlite_store

EFFECTS = {"an activity's effect", "an entity batch"}
BETWEEN_TRANSACTIONS = {"before an episode's turn", "after an acknowledgement"} | {
    f"{side} {effect}" for side in ("before", "after") for effect in EFFECTS
}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_d085_d086_d088_killed_at_every_moment_it_ends_as_undisturbed(
    laboratory: Any, deaths: Counter[str], mode: dict[str, Any], scenario: str
) -> None:
    wanted = {"scenario": scenario, "mode": mode}
    undisturbed = laboratory.play(**wanted, kills=[])
    undisturbed.check()
    wanted_moments = [each for each in undisturbed.moments if not mode or each not in BETWEEN_TRANSACTIONS]
    kills = _occurrences(wanted_moments)
    killed: list[str] = []
    for outcome in laboratory.play_all([wanted | {"kills": [kill]} for kill in kills]):
        outcome.check()
        killed += outcome.killed
    deaths["at each moment of every scenario"] += len(killed)
    missed = set(wanted_moments) - {name for moment in killed for name in moment.split("+")}
    assert not missed, f"nothing was killed {missed}"
    assert len(killed) >= 0.9 * len(kills)  # a few depend on how tasks took turns


def test_the_scenarios_reach_both_sides_of_every_transaction_and_effect(laboratory: Any) -> None:
    """A new kind of transaction fails this test until a scenario has it."""
    lives = laboratory.play_all([{"scenario": name, "mode": {}, "kills": []} for name in SCENARIOS])
    reached = {moment for life in lives for moment in life.moments}
    written = _transactions_of_the_store()
    assert {"prepare", "commit", "finish_activity", "commit_entity"} <= written
    assert {f"{side} {kind}" for side in ("before", "after") for kind in written} <= reached
    assert reached >= BETWEEN_TRANSACTIONS


async def test_what_is_committed_survives_a_power_cut_as_far_as_sqlite_says(tmp_path: Path) -> None:
    """No test can cut the power; SQLite waits for the disk at each commit if it is told so, and it is."""
    connection = sqlite_store._connect(tmp_path / "hub.sqlite")
    assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL
    connection.close()


def _occurrences(moments: list[str]) -> list[tuple[str, int]]:
    """Each moment, with the number of times that it was reached so far."""
    counts: Counter[str] = Counter()
    return [(moment, counts[moment]) for moment in moments if counts.update([moment]) is None]


def _transactions_of_the_store() -> set[str]:
    """The names of the functions that the store gives to its threads, but for those that only read."""
    calls = [node for node in ast.walk(ast.parse(inspect.getsource(sqlite_store))) if isinstance(node, ast.Call)]
    given = [call.args[0] for call in calls if call.args and ast.unparse(call.func) != "self._read"]
    modules = {"instances", "entities"}
    return {each.attr for each in given if isinstance(each, ast.Attribute) and ast.unparse(each.value) in modules}
