"""Schedules of timer triggers: NCRONTAB expressions with five or six fields, or a time span.

croniter finds the occurrences, on naive local times; this module decides what counts as a valid expression and what a
change of daylight-saving time does to it.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Protocol

from croniter import croniter

from localazure.host.timespans import parse_timespan

_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_DAYS = "sun|mon|tue|wed|thu|fri|sat"
# seconds, minutes, hours, day of month, month, weekday: lowest, highest, names
_FIELDS = ((0, 59, ""), (0, 59, ""), (0, 23, ""), (1, 31, ""), (1, 12, _MONTHS), (0, 6, _DAYS))
_ITEM = re.compile(r"(?P<first>\*|\w+)(?:-(?P<last>\w+))?(?:/(?P<step>\d+))?")
_SHORT_INTERVAL = timedelta(minutes=1)


class Schedule(Protocol):
    """When a timer is due."""

    def after(self, moment: datetime) -> datetime:
        """The first occurrence later than `moment`; both aware."""
        ...

    @property
    def is_frequent(self) -> bool:
        """Whether occurrences may be less than a minute apart; such timers keep no status."""
        ...


class IntervalSchedule:
    """A fixed time between two runs."""

    def __init__(self, interval: timedelta) -> None:
        self._interval = interval

    def after(self, moment: datetime) -> datetime:
        return moment + self._interval

    @property
    def is_frequent(self) -> bool:
        return self._interval < _SHORT_INTERVAL


class CronSchedule:
    """An NCRONTAB expression in a time zone. Day of month and weekday must both match, unlike in cron."""

    def __init__(self, expression: str, zone: tzinfo) -> None:
        fields = expression.split()
        if len(fields) == 5:
            fields = ["0", *fields]
        if len(fields) != 6:
            raise ValueError(f"{expression!r} has neither five nor six fields")
        self._fields = [_normalised(field, index) for index, field in enumerate(fields)]
        self._zone = zone
        # Such a schedule runs through both passes of a repeated hour; one with fixed times only through the first.
        self._is_interval_like = any(set("*-/") & set(field) for field in fields[:3])
        self._expression = " ".join([*self._fields[1:], self._fields[0]])
        self.after(datetime(2026, 1, 1, tzinfo=UTC))  # raises ValueError when there is no such date

    @property
    def is_frequent(self) -> bool:
        first = self.after(datetime(2026, 1, 1, tzinfo=UTC))
        return self.after(first) - first < _SHORT_INTERVAL

    def after(self, moment: datetime) -> datetime:
        local = moment.astimezone(self._zone)
        occurrence = self._next(local.replace(tzinfo=None), fold=local.fold)
        while occurrence <= moment:
            occurrence = self._next(occurrence.replace(tzinfo=None), fold=occurrence.fold)
        if self._is_interval_like:
            return self._in_second_pass(moment, occurrence)
        return occurrence

    def _next(self, naive: datetime, fold: int) -> datetime:
        found: datetime = croniter(self._expression, naive, day_or=False).get_next(datetime)
        aware = found.replace(tzinfo=self._zone, fold=fold if self._is_interval_like else 0)
        # A time inside the skipped hour does not exist: going through UTC moves it behind the gap.
        return aware.astimezone(UTC).astimezone(self._zone)

    def _in_second_pass(self, moment: datetime, occurrence: datetime) -> datetime:
        """The clock went back since `moment`: the hour before the change comes again, from its beginning."""
        before, after = moment.astimezone(self._zone), occurrence.astimezone(self._zone)
        shift = (before.utcoffset() or timedelta(0)) - (after.utcoffset() or timedelta(0))
        if shift <= timedelta(0):
            return occurrence
        change = _clock_change(before, after)
        naive = (change.astimezone(self._zone)).replace(tzinfo=None) - timedelta(microseconds=1)
        return min(occurrence, self._next(naive, fold=1))


def _clock_change(before: datetime, after: datetime) -> datetime:
    """The second at which the offset changes between two moments."""
    low, high = before.astimezone(UTC), after.astimezone(UTC)
    zone, offset = before.tzinfo, before.utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + (high - low) / 2
        low, high = (middle, high) if middle.astimezone(zone).utcoffset() == offset else (low, middle)
    return high.replace(microsecond=0)


def parse_schedule(text: str, zone: tzinfo) -> Schedule:
    """Raises ValueError in the words that users of Azure Functions know."""
    try:
        return IntervalSchedule(parse_timespan(text)) if ":" in text else CronSchedule(text, zone)
    except ValueError:
        raise ValueError(
            f"The schedule expression '{text}' was not recognized as a valid cron expression or timespan string."
        ) from None


def _normalised(field: str, index: int) -> str:
    """The field as croniter takes it, with `a/n` as a range. Raises ValueError."""
    return ",".join(_normalised_item(item.lower(), *_FIELDS[index]) for item in field.split(","))


def _normalised_item(item: str, lowest: int, highest: int, names: str) -> str:
    match = _ITEM.fullmatch(item)
    if match is None:
        raise ValueError(item)
    first, last, step = match["first"], match["last"], match["step"]
    if step is not None and int(step) < 1:
        raise ValueError(item)
    if first == "*":
        if last is not None:
            raise ValueError(item)
        return f"*/{step}" if step else "*"
    low = _number(first, lowest, highest, names)
    high = _number(last, lowest, highest, names) if last else highest if step else low
    if high < low:
        raise ValueError(item)
    return f"{low}-{high}/{step}" if step else f"{low}-{high}" if last else str(low)


def _number(text: str, lowest: int, highest: int, names: str) -> int:
    known = names.split("|") if names else []
    number = known.index(text) + lowest if text in known else int(text)
    if not lowest <= number <= highest:
        raise ValueError(text)
    return number
