"""What becomes of a dead letter when somebody sees to it, and when it fails once more."""

from __future__ import annotations

from datetime import timedelta

import pytest

from adapters.dead_letters import DeadLetter, Handling, LetterStatus, Outcome
from tests.unit.conftest import AT

LETTER = DeadLetter(letter_id="l-1", source="release_stock", payload={"sku": "TEA"}, reason="no answer", at=AT)


def handling(outcome: Outcome, minutes: int = 1, detail: str | None = None) -> Handling:
    return Handling(at=AT + timedelta(minutes=minutes, microseconds=7), actor="admin-1", outcome=outcome, detail=detail)


@pytest.mark.parametrize(
    ("outcome", "status"),
    [(Outcome.TOLD, "replayed"), (Outcome.DONE, "replayed"), (Outcome.DISCARDED, "discarded")],
)
def test_letter_that_was_seen_to_is_closed_and_keeps_who_did_it(outcome: Outcome, status: str) -> None:
    after = LETTER.after(handling(outcome))

    assert (after.status, after.is_open, after.attempts) == (status, False, 1)
    assert [(each.actor, each.outcome) for each in after.handled] == [("admin-1", outcome)]


def test_second_chance_that_fails_is_counted_and_leaves_the_letter_open() -> None:
    after = LETTER.after(handling(Outcome.FAILED, detail="still no answer"))

    assert (after.status, after.attempts, after.reason) == (LetterStatus.OPEN, 2, "still no answer")


def test_same_news_twice_is_noted_once() -> None:
    """The second one comes from a run of the activity after a crash; stored times have milliseconds."""
    failed = handling(Outcome.FAILED)
    kept = DeadLetter.model_validate(LETTER.after(failed).to_json())

    assert kept.after(failed) is kept


def test_closed_letter_stays_closed_by_whom_it_was() -> None:
    closed = LETTER.after(handling(Outcome.DISCARDED))

    assert closed.after(handling(Outcome.DONE, minutes=2)) is closed


def test_failure_after_a_replay_opens_the_letter_again() -> None:
    replayed = LETTER.after(handling(Outcome.TOLD, minutes=1))
    again = LETTER.model_copy(update={"at": AT + timedelta(minutes=2), "reason": "down"})

    opened = replayed.reopened(again)

    assert (opened.status, opened.attempts, opened.reason) == (LetterStatus.OPEN, 2, "down")
    assert (opened.at, opened.handled) == (LETTER.at, replayed.handled)


def test_same_failure_stored_again_opens_nothing() -> None:
    """The activity that parks may run again after a crash, when somebody has replayed the letter already."""
    replayed = LETTER.after(handling(Outcome.TOLD, minutes=1))

    assert replayed.reopened(LETTER) is replayed
    assert LETTER.reopened(LETTER) is LETTER
