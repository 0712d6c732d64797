"""Recorded histories replay against today's orchestrators: an order under way survives a deployment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest
from localazure.testing import History, HistoryDiverged, replay

from orchestrators import ORCHESTRATORS
from orchestrators.fulfil_order import fulfil_order as first_version
from tests.unit.next_version import fulfil_order_v2

HISTORIES = sorted((Path(__file__).parent / "histories").glob("*.json"))


@pytest.mark.parametrize("file", HISTORIES, ids=lambda file: file.stem)
def test_history_replays_turn_by_turn_to_its_recorded_end(file: Path) -> None:
    replay(file, orchestrators=ORCHESTRATORS)


def test_every_orchestrator_has_a_recorded_history() -> None:
    recorded = {History.read(file).orchestrator for file in HISTORIES}
    assert recorded == {orchestrator.__name__ for orchestrator in ORCHESTRATORS}


def test_steps_changed_in_place_are_caught_at_the_event_at_which_they_part() -> None:
    def fulfil_order(context: df.DurableOrchestrationContext) -> Any:
        return (yield from fulfil_order_v2(context))

    with pytest.raises(HistoryDiverged) as diverged:
        replay(Path(__file__).parent / "histories/fulfil_order.delivered.json", orchestrators=[fulfil_order])

    assert diverged.value.event == 3
    assert "expected WAIT_FOR_EVENT cancel, got CALL_ACTIVITY assess_risk" in str(diverged.value)


def test_version_that_was_removed_is_missed_as_long_as_its_histories_are_there() -> None:
    others: list[Callable[..., Any]] = [each for each in ORCHESTRATORS if each is not first_version]

    with pytest.raises(HistoryDiverged, match="fulfil_order"):
        replay(Path(__file__).parent / "histories/fulfil_order.delivered.json", orchestrators=others)
