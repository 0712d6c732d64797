"""Timer trigger: one run per occurrence, never two at once, and one run to make up for any number of missed ones."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from azure.core.exceptions import AzureError
from azure.functions.meta import Datum

from localazure.clock import Clock
from localazure.errors import ConfigError
from localazure.host.errors import IndexingError
from localazure.host.functions import HostedFunction
from localazure.host.invocation import MANUAL_REASON, Invoker, TriggerCall
from localazure.host.listener import Listener, StoppedError
from localazure.host.ncrontab import parse_schedule
from localazure.host.settings import Settings
from localazure.host.timer_status import TimerRecord, TimerStatus, status_after_run, status_at_start

log = logging.getLogger(__name__)

_LONGEST_WAIT_S = 86_400.0
_LOCAL_TIME = Path("/etc/localtime")


class TimerListener(Listener):
    """Fires one function. `record` is where its status is kept, unless it fires too often for that."""

    def __init__(
        self, function: HostedFunction, invoker: Invoker, clock: Clock, zone: tzinfo, record: TimerRecord
    ) -> None:
        super().__init__(function, invoker)
        self._clock = clock
        self._zone = zone
        self._schedule = parse_schedule(function.trigger.text("schedule"), zone)
        is_monitored = function.trigger.text("useMonitor", default="true").lower() == "true"
        is_monitored = is_monitored and not self._schedule.is_frequent
        self._record = record if is_monitored else None

    async def run(self) -> None:
        recorded = await self._record.read() if self._record else None
        status, is_past_due = status_at_start(self._schedule, recorded, self._clock.now())
        await self._save(status)
        try:
            if is_past_due or self.function.trigger.flag("runOnStartup"):
                status = await self._fire(status, is_past_due=is_past_due)
            while True:
                await self._wait_until(status.next)
                status = await self._fire(status, is_past_due=False)
        except StoppedError:
            return

    async def _fire(self, status: TimerStatus, *, is_past_due: bool) -> TimerStatus:
        fired_at = self._clock.now().astimezone(self._zone)
        shown = status if self._record else None
        await self.invoke_with_retries(
            timer_call(shown, is_past_due=is_past_due, reason=f"Timer fired at {fired_at.isoformat()}")
        )
        status = status_after_run(self._schedule, fired_at)
        await self._save(status)
        return status

    async def _save(self, status: TimerStatus) -> None:
        """The timer goes on when its status cannot be kept: what is lost is only what a restart would make up for."""
        if self._record:
            try:
                await self._record.write(status)
            except AzureError as error:
                log.warning("The status of the timer '%s' cannot be kept: %s", self.function.name, error)

    async def _wait_until(self, due: datetime) -> None:
        while (left := (due - self._clock.now()).total_seconds()) > 0 and not self.is_stopping:
            await self.pause(min(left, _LONGEST_WAIT_S))
        if self.is_stopping:
            raise StoppedError


def timer_call(status: TimerStatus | None, *, is_past_due: bool, reason: str) -> TriggerCall:
    payload = {
        "Schedule": {"AdjustForDST": True},
        "ScheduleStatus": status.as_json() if status else None,
        "IsPastDue": is_past_due,
    }
    return TriggerCall(Datum(json.dumps(payload), "json"), reason)


def check(function: HostedFunction) -> None:
    """Raises IndexingError for a schedule that is none."""
    try:
        parse_schedule(function.trigger.text("schedule"), UTC)
    except ValueError as error:
        raise IndexingError(str(error)) from None


def manual_call(_: HostedFunction, __: str) -> TriggerCall:
    """The input of a manual run does not matter to a timer."""
    return timer_call(None, is_past_due=False, reason=MANUAL_REASON)


def time_zone(settings: Settings) -> tzinfo:
    """Where schedules are read: `WEBSITE_TIME_ZONE`, `TZ`, or the machine's own. Raises ConfigError."""
    for setting in ("WEBSITE_TIME_ZONE", "TZ"):
        name = settings.get(setting).lstrip(":")
        if name and name != str(_LOCAL_TIME):
            try:
                return ZoneInfo(name)
            except (ZoneInfoNotFoundError, ValueError):
                raise ConfigError(f"{setting}: {name!r} is not the name of a time zone, such as Europe/Oslo") from None
    if _LOCAL_TIME.exists():
        with _LOCAL_TIME.open("rb") as file:
            return ZoneInfo.from_file(file, key="localtime")
    return UTC
