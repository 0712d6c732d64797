"""Durations and moments as people read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_UNITS = ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s"))
"""Seconds of a unit, and of the smaller one that is told with it."""


def span(duration: timedelta) -> str:
    """About three digits: `8 ms`, `1.25 s`, `3 min 20 s`, `2 d 4 h`."""
    seconds = max(0.0, duration.total_seconds())
    if seconds < 0.9995:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 59.95:
        return f"{seconds:.2f} s" if seconds < 9.995 else f"{seconds:.1f} s"
    size, unit, smaller, smaller_unit = next(each for each in _UNITS if round(seconds) >= each[0])
    whole, rest = divmod(round(seconds / smaller), size // smaller)
    return f"{whole} {unit} {rest} {smaller_unit}" if rest else f"{whole} {unit}"


def clock(moment: datetime) -> str:
    """The time of day, in UTC, to the millisecond."""
    return moment.astimezone(UTC).strftime("%H:%M:%S.%f")[:-3]


def day(moment: datetime) -> str:
    """The date, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d")


def until(moment: datetime, now: datetime) -> str:
    """`in 3 min`, or `2 s ago`."""
    return f"in {span(moment - now)}" if moment > now else f"{span(now - moment)} ago"
