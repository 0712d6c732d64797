"""A task hub killed at any moment goes on as if nothing had happened, once it is started again.

One test per scenario and mode: it lives once undisturbed, which tells its moments, and then once for each of them, to
be killed there. What must be true of all those lives is in `crash_lab/checks.py`.
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


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_d085_d086_d088_killed_at_every_moment_it_ends_as_undisturbed(
    laboratory: Any, deaths: Counter[str], mode: dict[str, Any], scenario: str
) -> None:
    wanted = {"scenario": scenario, "mode": mode}
    undisturbed = laboratory.play(**wanted, kills=[])
    undisturbed.check()
    killed: Counter[str] = Counter()
    for outcome in laboratory.play_all(
        [wanted | {"kills": [[moment]]} for moment in range(1, len(undisturbed.moments) + 1)]
    ):
        outcome.check()
        killed.update(part for moment in outcome.killed for part in _parts(moment))
    deaths["at each moment of every scenario"] += killed.total()
    missed = {part for moment in undisturbed.moments for part in _parts(moment)} - set(killed)
    assert not missed, f"nothing was killed {missed}"


def test_the_scenarios_reach_both_sides_of_every_transaction_and_effect(laboratory: Any) -> None:
    """A new kind of transaction fails this test until a scenario has it."""
    lives = laboratory.play_all([{"scenario": name, "mode": {}, "kills": []} for name in SCENARIOS])
    reached = {part for life in lives for moment in life.moments for part in _parts(moment)}
    written = _transactions_of_the_store()
    assert {"prepare", "commit", "commit_entity"} <= written
    assert {f"{side} {kind}" for side in ("before", "after") for kind in written | EFFECTS} <= reached
    assert {"before an episode's turn", "after an acknowledgement"} <= reached


async def test_what_is_committed_survives_a_power_cut_as_far_as_sqlite_says(tmp_path: Path) -> None:
    """No test can cut the power; SQLite waits for the disk at each commit if it is told so, and it is."""
    connection = sqlite_store._connect(tmp_path / "hub.sqlite")
    assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL
    connection.close()


def _parts(moment: str) -> list[str]:
    """The moments of each transaction in a commit of several."""
    side, _, kinds = moment.partition(" ")
    return [f"{side} {kind}" for kind in kinds.split("+")]


def _transactions_of_the_store() -> set[str]:
    """The names of the functions that the store gives to its writer."""
    calls = [node for node in ast.walk(ast.parse(inspect.getsource(sqlite_store))) if isinstance(node, ast.Call)]
    writes = [call for call in calls if ast.unparse(call.func) in {"self._write", "self._writer.run"}]
    given = [call.args[0] for call in writes]
    return {each.attr for each in given if isinstance(each, ast.Attribute)}
