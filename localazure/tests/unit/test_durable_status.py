"""The table of legal moves between instance states."""

from __future__ import annotations

import pytest
from localazure.durable.status import FINAL, LEGAL, IllegalTransition, RuntimeStatus, move


@pytest.mark.parametrize("current", list(RuntimeStatus))
@pytest.mark.parametrize("target", list(RuntimeStatus))
def test_a_move_is_made_or_refused_as_the_table_says(current: RuntimeStatus, target: RuntimeStatus) -> None:
    if target in LEGAL[current]:
        assert move(current, target) == target
    else:
        with pytest.raises(IllegalTransition, match=f"from {current} to {target}"):
            move(current, target)


def test_only_failed_instances_come_back_from_the_end() -> None:
    assert {status for status in FINAL if LEGAL[status]} == {RuntimeStatus.FAILED}


def test_numbers_are_those_of_the_protocol() -> None:
    assert [status.number for status in RuntimeStatus] == list(range(8))
    assert RuntimeStatus.of(5) == RuntimeStatus.TERMINATED
