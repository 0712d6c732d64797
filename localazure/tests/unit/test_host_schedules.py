"""NCRONTAB: which expressions are valid, and when they occur."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from localazure.host.ncrontab import parse_schedule
from localazure.host.timer_status import NEVER, TimerFile, TimerStatus, status_after_run, status_at_start

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


def _next(expression: str, after: datetime, count: int = 1, zone: ZoneInfo | None = None) -> list[str]:
    schedule = parse_schedule(expression, zone or UTC)
    found = []
    for _ in range(count):
        after = schedule.after(after)
        found.append(after.astimezone(zone or UTC).isoformat())
    return found


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("*/5 * * * * *", "2026-01-01T00:00:05+00:00"),
        ("*/5 * * * *", "2026-01-01T00:05:00+00:00"),
        ("0 0 2 * * *", "2026-01-01T02:00:00+00:00"),
        ("30 5/20 * * * *", "2026-01-01T00:05:30+00:00"),
        ("0 0 9-17/4 * FEB-mar MON", "2026-02-02T09:00:00+00:00"),
        ("0 0 0 13 * Fri", "2026-02-13T00:00:00+00:00"),
        ("0 15,45 * * * *", "2026-01-01T00:15:00+00:00"),
        ("0 0 0 29 2 *", "2028-02-29T00:00:00+00:00"),
        ("01:30:00", "2026-01-01T01:30:00+00:00"),
        ("1.00:00:00", "2026-01-02T00:00:00+00:00"),
    ],
)
def test_h066_next_occurrence(expression, expected) -> None:
    assert _next(expression, NEW_YEAR) == [expected]


def test_occurrence_is_later_than_the_moment_even_by_a_microsecond() -> None:
    moment = NEW_YEAR + timedelta(microseconds=1)
    assert _next("0 * * * * *", moment) == ["2026-01-01T00:01:00+00:00"]


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "* * *",
        "* * * * * * *",
        "@daily",
        "60 * * * * *",
        "0 0 0 L * *",
        "0 0 0 ? * *",
        "0 0 0 * * 7",
        "5-1 * * * * *",
        "*/0 * * * * *",
        "0 0 0 31 2 *",
        "0 0 0 * * MON#1",
        "25:00:00",
    ],
)
def test_h072_invalid_expression_is_refused_in_known_words(expression) -> None:
    with pytest.raises(ValueError, match="was not recognized as a valid cron expression or timespan string"):
        parse_schedule(expression, UTC)


def test_fixed_time_in_the_skipped_hour_moves_behind_the_gap() -> None:
    assert _next("0 30 2 * * *", datetime(2026, 3, 28, 12, tzinfo=UTC), 2, BERLIN) == [
        "2026-03-29T03:30:00+02:00",
        "2026-03-30T02:30:00+02:00",
    ]


def test_fixed_time_in_the_repeated_hour_fires_once() -> None:
    assert _next("0 30 2 * * *", datetime(2026, 10, 24, 12, tzinfo=UTC), 2, BERLIN) == [
        "2026-10-25T02:30:00+02:00",
        "2026-10-26T02:30:00+01:00",
    ]


def test_interval_runs_through_both_passes_of_the_repeated_hour() -> None:
    assert _next("0 */30 * * * *", datetime(2026, 10, 24, 23, 59, tzinfo=UTC), 5, BERLIN) == [
        "2026-10-25T02:00:00+02:00",
        "2026-10-25T02:30:00+02:00",
        "2026-10-25T02:00:00+01:00",
        "2026-10-25T02:30:00+01:00",
        "2026-10-25T03:00:00+01:00",
    ]


@pytest.mark.parametrize(
    ("expression", "is_frequent"),
    [("*/30 * * * * *", True), ("0 * * * * *", False), ("00:00:59", True), ("00:01:00", False)],
)
def test_schedules_below_a_minute_are_frequent(expression, is_frequent) -> None:
    assert parse_schedule(expression, UTC).is_frequent is is_frequent


class TestStatusAtStart:
    hourly = parse_schedule("0 0 * * * *", UTC)
    now = NEW_YEAR + timedelta(hours=5, minutes=30)

    def test_without_a_record_the_timer_waits_for_its_next_occurrence(self) -> None:
        status, is_past_due = status_at_start(self.hourly, None, self.now)
        assert status == TimerStatus(NEVER, NEW_YEAR + timedelta(hours=6), self.now)
        assert not is_past_due

    def test_h068_missed_occurrences_make_it_past_due(self) -> None:
        recorded = status_after_run(self.hourly, NEW_YEAR + timedelta(hours=1))
        assert status_at_start(self.hourly, recorded, self.now) == (recorded, True)

    def test_timer_that_never_fired_is_past_due_too(self) -> None:
        recorded = TimerStatus(NEVER, NEW_YEAR + timedelta(hours=1), NEW_YEAR + timedelta(minutes=10))
        assert status_at_start(self.hourly, recorded, self.now) == (recorded, True)

    def test_nothing_missed_is_not_past_due(self) -> None:
        recorded = status_after_run(self.hourly, NEW_YEAR + timedelta(hours=5))
        assert status_at_start(self.hourly, recorded, self.now) == (recorded, False)

    def test_h068_edited_schedule_is_never_past_due(self) -> None:
        recorded = TimerStatus(NEW_YEAR, NEW_YEAR + timedelta(minutes=20), NEW_YEAR)
        status, is_past_due = status_at_start(self.hourly, recorded, self.now)
        assert status == TimerStatus(NEVER, NEW_YEAR + timedelta(hours=6), self.now)
        assert not is_past_due


async def test_status_record_survives_and_a_damaged_one_counts_as_none(tmp_path) -> None:
    file = TimerFile(tmp_path, SimpleNamespace(id="Host.Functions.f"))
    assert await file.read() is None
    status = TimerStatus(NEVER, NEW_YEAR, NEW_YEAR)
    await file.write(status)
    assert await file.read() == status
    (tmp_path / "Host.Functions.f.json").write_text("{")
    assert await file.read() is None
