"""Timer trigger: what only a running host can show. Schedules themselves: unit tests."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from azure.core.exceptions import ResourceNotFoundError
from azure.storage.blob.aio import BlobServiceClient

EACH_NEW_YEAR = "0 0 0 1 1 *"


@pytest.fixture(scope="module")
def host(module_hosts: Any, azurite: str) -> Any:
    return module_hosts.start("timers", SCHEDULE=EACH_NEW_YEAR, AzureWebJobsStorage=azurite)


@pytest.fixture
def stored(blobs: BlobServiceClient) -> Any:
    """Reads the status of a timer where the original keeps it; None when there is none."""
    container = blobs.get_container_client("azure-webjobs-hosts")

    async def read(function: str) -> dict[str, datetime] | None:
        with suppress(ResourceNotFoundError):
            async for blob in container.list_blobs(name_starts_with="timers/"):
                if blob.name.endswith(f"/Host.Functions.{function}/status"):
                    content = await (await container.download_blob(blob.name)).readall()
                    return {key: datetime.fromisoformat(text) for key, text in json.loads(content).items()}
        return None

    return read


async def test_h066_six_fields_begin_with_seconds(host) -> None:
    records = await host.recorded("every_five_seconds")
    assert records[0]["at"] % 5 < 1, "a busy machine may be late"
    assert not records[0]["past_due"]


async def test_h066_five_fields_begin_with_minutes(host, stored) -> None:
    status = await stored("every_five_minutes")
    assert status is not None
    assert (status["Next"].minute % 5, status["Next"].second, status["Next"].microsecond) == (0, 0, 0)
    assert timedelta(0) < status["Next"] - status["LastUpdated"] <= timedelta(minutes=5)
    assert all(record["at"] % 300 < 60 for record in host.records("every_five_minutes"))


async def test_status_of_a_timer_is_kept_in_storage_unless_it_is_frequent(host, stored) -> None:
    status = await stored("monitored")
    assert status is not None
    assert status["Last"] == datetime(1, 1, 1, tzinfo=UTC)
    assert (status["Next"].month, status["Next"].day) == (1, 1)
    assert await stored("every_five_seconds") is None
    [record] = await host.recorded("at_start")
    assert record["status"]["Next"] == status["Next"].isoformat()
    assert (await host.recorded("every_five_seconds"))[0]["status"] == {}


async def test_h070_exception_does_not_stop_later_runs(host) -> None:
    await host.recorded("every_second", count=3)
    assert host.log_text().count("RuntimeError: fails every time") >= 2


async def test_h067_timer_with_run_on_startup_fires_once_at_start(host) -> None:
    await host.recorded("at_start")
    await host.recorded("every_second", count=3)
    [record] = host.records("at_start")
    assert record["past_due"] is False


async def test_h069_long_run_is_followed_by_one_immediate_run_that_is_not_past_due(host) -> None:
    records = await host.recorded("too_long", count=2)
    assert 2.2 <= records[1]["at"] - records[0]["at"] < 3.6, "at once, not at the next multiple of 2 s"
    assert records[1]["past_due"] is False


async def test_h069_missed_occurrences_are_made_up_by_exactly_one_run(host) -> None:
    records = await host.recorded("long_once", count=6)
    assert {record["running"] for record in records[::2]} == {1}, "never two at once"
    first_end, again, next_due = (records[index]["at"] for index in (1, 2, 4))
    assert again - first_end < 1, "a unit test tells `at once` by a clock of its own"
    assert next_due // 1 > again // 1, "then with the next occurrence"
    assert records[2]["past_due"] is False


async def test_h071_retry_policy_makes_four_attempts(host) -> None:
    records = await host.recorded("retried", count=4)
    assert [record["retry_count"] for record in records] == [0, 1, 2, 3]
    assert [record["last"] for record in records] == [None, *(f"RuntimeError: attempt {n}" for n in range(3))]


async def test_h072_invalid_schedule_excludes_only_its_function(host, http) -> None:
    await host.recorded("every_second")
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


async def test_h068_restart_after_an_edited_schedule_in_storage_is_not_past_due(
    hosts, azurite, stored, eventually
) -> None:
    storage = {"AzureWebJobsStorage": azurite}
    first = hosts.start("timers", state="edited", SCHEDULE="0 0 0 1 2 *", **storage)

    async def is_kept(month: int) -> bool:
        status = await stored("monitored")
        return status is not None and status["Next"].month == month

    await eventually(lambda: is_kept(2))
    first.kill()
    second = hosts.start("timers", state="edited", SCHEDULE="0 0 0 1 3 *", **storage)
    await eventually(lambda: is_kept(3))
    assert second.records("monitored") == []


async def test_timer_of_a_killed_host_runs_again_and_is_past_due(hosts, azurite, blobs, stored, eventually) -> None:
    """The status is written after the run, so a run that was cut short counts as missed."""
    due = await _make_past_due(blobs, "monitored", _last_new_year())
    storage = {"AzureWebJobsStorage": azurite}
    first = hosts.start("timers", SCHEDULE=EACH_NEW_YEAR, SLOW_SECONDS="60", **storage)
    assert [record["past_due"] for record in await first.recorded("monitored")] == [True]
    first.kill()
    assert (await stored("monitored"))["Next"] == due
    second = hosts.start("timers", SCHEDULE=EACH_NEW_YEAR, **storage)
    assert [record["past_due"] for record in await second.recorded("monitored")] == [True]

    async def is_settled() -> bool:
        return (await stored("monitored"))["Next"] > datetime.now(UTC)

    await eventually(is_settled)


async def _make_past_due(blobs: BlobServiceClient, function: str, due: datetime) -> datetime:
    """Rewrite the status that an earlier host has left, as if that had been down since before `due`."""
    container = blobs.get_container_client("azure-webjobs-hosts")
    before = (due - timedelta(days=2)).isoformat()
    content = json.dumps({"Last": before, "Next": due.isoformat(), "LastUpdated": before})
    async for blob in container.list_blobs(name_starts_with="timers/"):
        if blob.name.endswith(f"/Host.Functions.{function}/status"):
            await container.upload_blob(blob.name, content, overwrite=True)
    return due


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
