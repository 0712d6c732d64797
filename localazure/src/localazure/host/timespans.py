"""The notation of durations in host.json, schedules and retry policies: `hh:mm:ss`, `d.hh:mm:ss`, `hh:mm:ss.fff`."""

from __future__ import annotations

import re
from datetime import timedelta

_TIMESPAN = re.compile(r"(?:(\d+)\.)?(\d{1,2}):([0-5]?\d):([0-5]?\d)(\.\d{1,7})?")


def parse_timespan(text: str) -> timedelta:
    """Raises ValueError when `text` is not a time span."""
    match = _TIMESPAN.fullmatch(text.strip())
    if match is None or int(match[2]) > 23:
        raise ValueError(f"{text!r} is not a time span (hh:mm:ss or d.hh:mm:ss)")
    days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[:4])
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds + float(match[5] or 0))


def format_timespan(duration: timedelta) -> str:
    """`hh:mm:ss`, with a day part only when there is one; fractions of a second are dropped."""
    minutes, seconds = divmod(int(duration.total_seconds()) % 86_400, 60)
    clock = f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
    return f"{duration.days}.{clock}" if duration.days else clock
