"""Functions on points in time.

A point in time is text, `YYYY-MM-DDThh:mm:ss.fffffffZ`, always UTC. Inside it is a number of ticks of 100 ns since the
year 1, because the text is finer than Python's microseconds.
"""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import UTC, date, datetime
from typing import Any, Final

from localazure.cosmos.query.functions.registry import INTEGER, STRING, Group
from localazure.cosmos.query.values import UNDEFINED

GROUP = Group()

_SECOND: Final = 10_000_000
_DAY: Final = 86_400 * _SECOND
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC).toordinal() * _DAY
_LAST: Final = (date.max.toordinal() + 1) * _DAY

_TEXT: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,7}))?)?Z?)?\Z",
    re.ASCII,
)
_PARTS: Final = {
    name: part
    for part, names in {
        "year": ("year", "yyyy", "yy"),
        "month": ("month", "mm", "m"),
        "day": ("day", "dd", "d"),
        "hour": ("hour", "hh"),
        "minute": ("minute", "mi", "n"),
        "second": ("second", "ss", "s"),
        "millisecond": ("millisecond", "ms"),
        "microsecond": ("microsecond", "mcs"),
        "nanosecond": ("nanosecond", "ns"),
    }.items()
    for name in names
}
_TICKS: Final = {
    "day": _DAY,
    "hour": 3600 * _SECOND,
    "minute": 60 * _SECOND,
    "second": _SECOND,
    "millisecond": 10_000,
    "microsecond": 10,
}


def _ticks(text: str) -> int | None:
    """The ticks of a text, None if it is no valid point in time."""
    match = _TEXT.match(text)
    if match is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    return _from_datetime(moment) + int((match.group(7) or "").ljust(7, "0"))


def _from_datetime(moment: datetime) -> int:
    seconds = (moment.hour * 60 + moment.minute) * 60 + moment.second
    return moment.toordinal() * _DAY + seconds * _SECOND + moment.microsecond * 10


def _calendar(ticks: int) -> tuple[datetime, int]:
    """The second of a point in time, and the ticks beyond it."""
    days, rest = divmod(ticks, _DAY)
    seconds, fraction = divmod(rest, _SECOND)
    minutes, second = divmod(seconds, 60)
    hour, minute = divmod(minutes, 60)
    return datetime.fromordinal(days).replace(hour=hour, minute=minute, second=second, tzinfo=UTC), fraction


def _text(ticks: int) -> Any:
    if not _DAY <= ticks < _LAST:
        return UNDEFINED
    moment, fraction = _calendar(ticks)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{fraction:07}Z".rjust(28, "0")


def _utc(now: datetime) -> int:
    return _from_datetime(now.astimezone(UTC))


for _suffix in ("", "Static"):
    GROUP.add(f"GetCurrentDateTime{_suffix}", needs_now=True)(lambda now: _text(_utc(now)))
    GROUP.add(f"GetCurrentTimestamp{_suffix}", needs_now=True)(lambda now: (_utc(now) - _EPOCH) // 10_000)
    GROUP.add(f"GetCurrentTicks{_suffix}", needs_now=True)(lambda now: _utc(now) - _EPOCH)


@GROUP.add("DateTimeAdd", STRING, INTEGER, STRING)
def date_time_add(name: str, count: float, text: str) -> Any:
    """The point in time moved by `count` parts; a day that its new month lacks becomes the month's last."""
    part, ticks, amount = _PARTS.get(name.lower()), _ticks(text), int(count)
    if part is None or ticks is None:
        return UNDEFINED
    if part in ("year", "month"):
        return _add_months(ticks, amount * 12 if part == "year" else amount)
    return _text(ticks + (amount // 100 if part == "nanosecond" else amount * _TICKS[part]))


def _add_months(ticks: int, months: int) -> Any:
    moment, fraction = _calendar(ticks)
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        return UNDEFINED
    day = min(moment.day, monthrange(year, month + 1)[1])
    return _text(_from_datetime(moment.replace(year=year, month=month + 1, day=day)) + fraction)


@GROUP.add("DateTimePart", STRING, STRING)
def date_time_part(name: str, text: str) -> Any:
    """One part as a number; parts of a second count the whole fraction in their unit."""
    part, ticks = _PARTS.get(name.lower()), _ticks(text)
    if part is None or ticks is None:
        return UNDEFINED
    moment, fraction = _calendar(ticks)
    fractions = {"millisecond": fraction // 10_000, "microsecond": fraction // 10, "nanosecond": fraction * 100}
    return fractions[part] if part in fractions else getattr(moment, part)


@GROUP.add("DateTimeDiff", STRING, STRING, STRING)
def date_time_diff(name: str, start: str, end: str) -> Any:
    """How many boundaries of the part lie between two points in time."""
    part, first, last = _PARTS.get(name.lower()), _ticks(start), _ticks(end)
    if part is None or first is None or last is None:
        return UNDEFINED
    return _count(part, last) - _count(part, first)


def _count(part: str, ticks: int) -> int:
    """The number of whole parts since the year 0."""
    if part in ("year", "month"):
        moment, _ = _calendar(ticks)
        return moment.year if part == "year" else moment.year * 12 + moment.month
    return ticks * 100 if part == "nanosecond" else ticks // _TICKS[part]


@GROUP.add("DateTimeBin", STRING, STRING, optional=(INTEGER, STRING))
def date_time_bin(text: str, name: str, size: float = 1, origin: str = "1970-01-01T00:00:00.0000000Z") -> Any:
    """The start of the interval of `size` parts, counted from `origin`, in which the point in time lies."""
    part, ticks, base, width = _PARTS.get(name.lower()), _ticks(text), _ticks(origin), int(size)
    if part is None or ticks is None or base is None or width < 1:
        return UNDEFINED
    if part in ("year", "month"):
        return _add_months(
            base, (_count(part, ticks) - _count(part, base)) // width * width * (12 if part == "year" else 1)
        )
    step = max(width // 100, 1) if part == "nanosecond" else width * _TICKS[part]
    return _text(base + (ticks - base) // step * step)


@GROUP.add("DateTimeFromParts", INTEGER, INTEGER, INTEGER, optional=(INTEGER, INTEGER, INTEGER, INTEGER))
def date_time_from_parts(*parts: float) -> Any:
    """A point in time from year, month, day, hour, minute, second and ticks of 100 ns."""
    *calendar, fraction = [int(part) for part in (*parts, 0, 0, 0, 0)[:7]]
    year, month, day, hour, minute, second = calendar
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except (ValueError, OverflowError):
        return UNDEFINED
    return _text(_from_datetime(moment) + fraction) if 0 <= fraction < _SECOND else UNDEFINED


@GROUP.add("DateTimeToTimestamp", STRING)
def date_time_to_timestamp(text: str) -> Any:
    """Milliseconds since 1970."""
    ticks = _ticks(text)
    return UNDEFINED if ticks is None else (ticks - _EPOCH) // 10_000


@GROUP.add("DateTimeToTicks", STRING)
def date_time_to_ticks(text: str) -> Any:
    """Ticks of 100 ns since 1970."""
    ticks = _ticks(text)
    return UNDEFINED if ticks is None else ticks - _EPOCH


@GROUP.add("TimestampToDateTime", INTEGER)
def timestamp_to_date_time(milliseconds: float) -> Any:
    """The point in time that many milliseconds after 1970."""
    return _text(_EPOCH + int(milliseconds) * 10_000)


@GROUP.add("TicksToDateTime", INTEGER)
def ticks_to_date_time(ticks: float) -> Any:
    """The point in time that many ticks of 100 ns after 1970."""
    return _text(_EPOCH + int(ticks))
