"""Timer trigger: what only a running host can show. Schedules themselves: unit tests."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

EACH_NEW_YEAR = "0 0 0 1 1 *"


@pytest.fixture(scope="module")
def host(module_hosts: Any) -> Any:
    return module_hosts.start("timers", SCHEDULE=EACH_NEW_YEAR)


async def test_h066_timer_fires_on_whole_seconds(host) -> None:
    records = await host.recorded("every_second", count=3)
    assert min(record["at"] % 1 for record in records) < 0.3, "a busy machine may be late now and then"


async def test_h070_exception_does_not_stop_later_runs(host) -> None:
    await host.recorded("every_second", count=3)
    assert host.log_text().count("RuntimeError: fails every time") >= 2


async def test_h067_timer_with_run_on_startup_fires_once_at_start(host) -> None:
    [record] = await host.recorded("at_start")
    assert record["past_due"] is False


async def test_h069_long_run_is_followed_by_one_immediate_run_that_is_not_past_due(host) -> None:
    records = await host.recorded("too_long", count=2)
    assert 2.2 <= records[1]["at"] - records[0]["at"] < 3.6, "at once, not at the next multiple of 2 s"
    assert records[1]["past_due"] is False


async def test_h071_retry_policy_makes_four_attempts(host) -> None:
    records = await host.recorded("retried", count=4)
    assert [record["retry_count"] for record in records] == [0, 1, 2, 3]
    assert [record["last"] for record in records] == [None, *(f"RuntimeError: attempt {n}" for n in range(3))]


async def test_h072_invalid_schedule_excludes_only_its_function(host, http) -> None:
    async with http.get(f"{host.url}/admin/functions/unscheduled/status") as response:
        [error] = (await response.json())["errors"]
    assert error == (
        "The schedule expression 'not a schedule' was not recognized as a valid cron expression or timespan string."
    )


async def test_h052_timer_can_be_run_by_hand(host, http) -> None:
    async with http.post(f"{host.url}/admin/functions/monitored", json={"input": ""}) as response:
        assert (response.status, await response.read()) == (202, b"")
    assert (await host.recorded("monitored"))[-1]["past_due"] is False


async def test_h068_missed_occurrences_are_made_up_by_one_run(hosts, tmp_path: Path) -> None:
    _write_status(tmp_path, schedule_next=_last_new_year())
    host = hosts.start("timers", SCHEDULE=EACH_NEW_YEAR)
    [record] = await host.recorded("monitored")
    assert record["past_due"] is True


async def test_h068_edited_schedule_is_not_past_due(hosts, tmp_path: Path, eventually) -> None:
    record = _write_status(tmp_path, schedule_next=datetime.now(UTC) - timedelta(days=1))
    host = hosts.start("timers", SCHEDULE=EACH_NEW_YEAR)
    await eventually(lambda: json.loads(record.read_text())["Last"].startswith("0001-01-01"))
    assert host.records("monitored") == []


def _last_new_year() -> datetime:
    # Two years back, so that this is missed in whatever time zone the machine is.
    return datetime(datetime.now(UTC).year - 2, 1, 1).astimezone()


def _write_status(folder: Path, schedule_next: datetime) -> Path:
    before = schedule_next - timedelta(days=2)
    record = folder / "state" / "timers" / "Host.Functions.monitored.json"
    record.parent.mkdir(parents=True)
    content = {"Last": before, "Next": schedule_next, "LastUpdated": before}
    record.write_text(json.dumps({key: moment.isoformat() for key, moment in content.items()}))
    return record
