"""Recorded histories replay against today's orchestrators: an order under way survives a deployment."""

from __future__ import annotations

from pathlib import Path

import pytest
from localazure.testing import History, replay

from orchestrators import ORCHESTRATORS

HISTORIES = sorted((Path(__file__).parent / "histories").glob("*.json"))


@pytest.mark.parametrize("file", HISTORIES, ids=lambda file: file.stem)
def test_history_replays_turn_by_turn_to_its_recorded_end(file: Path) -> None:
    replay(file, orchestrators=ORCHESTRATORS)


def test_every_orchestrator_has_a_recorded_history() -> None:
    recorded = {History.read(file).orchestrator for file in HISTORIES}
    assert recorded == {orchestrator.__name__ for orchestrator in ORCHESTRATORS}
