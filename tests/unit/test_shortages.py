"""What a customer may decide when there is not enough, and which pieces are kept then."""

from __future__ import annotations

import json
from typing import Any

import pytest

from domain.errors import Invalid, Rejected
from domain.shortages import AnswerShortage

HELD = {"MUG": 0, "TEA": 3}
TWO_TEAS = [{"sku": "TEA", "quantity": 1}, {"sku": "TEA", "quantity": 1}]


def kept(**body: Any) -> dict[str, int]:
    return AnswerShortage.model_validate_json(json.dumps(body)).kept(HELD)


def test_accepting_keeps_what_is_held() -> None:
    assert kept(decision="accept") == HELD


def test_amending_keeps_the_pieces_of_all_lines_together() -> None:
    assert kept(decision="amend", lines=TWO_TEAS) == {"TEA": 2}


@pytest.mark.parametrize("lines", [None, []])
def test_amending_needs_lines(lines: list[Any] | None) -> None:
    with pytest.raises(Invalid) as refused:
        kept(decision="amend", lines=lines)

    assert [error.pointer for error in refused.value.errors] == ["/lines"]


@pytest.mark.parametrize("decision", ["accept", "cancel"])
def test_lines_that_would_not_be_heeded_are_refused(decision: str) -> None:
    with pytest.raises(Invalid) as refused:
        kept(decision=decision, lines=TWO_TEAS)

    assert [error.pointer for error in refused.value.errors] == ["/lines"]


def test_more_than_is_held_cannot_be_kept() -> None:
    with pytest.raises(Rejected, match="MUG: 1 are wanted, 0 are held"):
        kept(decision="amend", lines=[{"sku": "MUG", "quantity": 1}])
