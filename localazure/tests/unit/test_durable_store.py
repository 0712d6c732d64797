"""The store's thread: groups, refusals and failures."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from localazure.durable.errors import HubFailed, InstanceEnded, InstanceExists, InstanceNotFound, Superseded
from localazure.durable.events import EventType, event_raised
from localazure.durable.observer import Change
from localazure.durable.records import Activity, Decision, Delivery, EntityRequest, Message, Parent, Start, Timer
from localazure.durable.sqlite_instances import SQL
from localazure.durable.sqlite_store import SqliteStore
from localazure.durable.sqlite_thread import SqliteThread
from localazure.durable.status import RuntimeStatus
from localazure.durable.store import EpisodeCommit, InstanceQuery, InstanceRewind

NOW = datetime(2026, 1, 1, tzinfo=UTC)
START = Start("i", "e1", "orchestrator", None, None, Parent("p", "e0", "parent", 3))


@pytest.fixture
async def thread(tmp_path: Path) -> AsyncIterator[SqliteThread]:
    connection = sqlite3.connect(tmp_path / "t.sqlite", isolation_level=None, check_same_thread=False)
    connection.execute("CREATE TABLE seen (value INTEGER PRIMARY KEY)")
    thread = SqliteThread(connection, "test")
    yield thread
    await thread.close()


@pytest.fixture(params=["file", "memory"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(tmp_path / "hub.sqlite" if request.param == "file" else ":memory:")
    await store.open()
    yield store
    await store.close()


def _insert(value: int) -> Any:
    return lambda connection: connection.execute("INSERT INTO seen VALUES (?)", (value,)).rowcount


def _values(connection: sqlite3.Connection) -> list[int]:
    return [value for (value,) in connection.execute("SELECT value FROM seen")]


async def test_what_is_queued_during_a_commit_shares_the_next_one(thread: SqliteThread) -> None:
    begins: list[str] = []
    entered, release = threading.Event(), threading.Event()

    def first(connection: sqlite3.Connection) -> None:
        connection.set_trace_callback(
            lambda statement: begins.append(statement) if statement.startswith("BEGIN") else None
        )
        entered.set()
        release.wait(10)

    blocked = thread.run(first)
    await asyncio.to_thread(entered.wait, 10)
    writes = [thread.run(_insert(value)) for value in range(50)]
    release.set()
    await asyncio.gather(blocked, *writes)
    assert begins == ["BEGIN IMMEDIATE"]
    assert await thread.run(_values) == list(range(50))


async def test_a_refusal_leaves_the_rest_of_its_group_alone(thread: SqliteThread) -> None:
    def refuse(_: sqlite3.Connection) -> None:
        raise InstanceExists("there is one")

    before, refused, after = thread.run(_insert(1)), thread.run(refuse), thread.run(_insert(2))
    with pytest.raises(InstanceExists, match="there is one"):
        await refused
    await asyncio.gather(before, after)
    assert await thread.run(_values) == [1, 2]


async def test_an_error_takes_back_its_group_and_ends_the_store(thread: SqliteThread, caplog: Any) -> None:
    await thread.run(_insert(1))
    with pytest.raises(HubFailed, match="UNIQUE"):
        await thread.run(_insert(1))
    with pytest.raises(HubFailed, match="UNIQUE"):
        await thread.run(_insert(2))
    assert "all work stops" in caplog.text


class _Crash:
    """An observer that notes what is committed, and raises at one moment of a start."""

    def __init__(self, moment: str) -> None:
        self._moment = moment
        self.seen: list[tuple[str, str, Any]] = []

    def before_commit(self, changes: Sequence[Change]) -> None:
        self._note("before", changes)

    def after_commit(self, changes: Sequence[Change]) -> None:
        self._note("after", changes)

    def _note(self, moment: str, changes: Sequence[Change]) -> None:
        self.seen += [(moment, change.kind, change.subject) for change in changes]
        if moment == self._moment and changes[0].kind == "create":
            raise RuntimeError("crash")


@pytest.mark.parametrize(("moment", "is_on_disk"), [("before", False), ("after", True)])
async def test_an_observer_can_crash_the_store_around_a_commit(tmp_path: Path, moment: str, is_on_disk: bool) -> None:
    observer = _Crash(moment)
    store = SqliteStore(tmp_path / "hub.sqlite", observer)
    await store.open()
    with pytest.raises(HubFailed, match="crash"):
        await store.create(START, NOW, replace_any=False)
    assert observer.seen[2] == ("before", "create", START)
    await store.close()
    second = SqliteStore(tmp_path / "hub.sqlite")
    assert (await second.open()).instances == (["i"] if is_on_disk else [])
    await second.close()


async def test_a_closed_store_refuses(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "hub.sqlite")
    await store.open()
    await store.close()
    with pytest.raises(HubFailed, match="stopped"):
        await store.get("i")


async def test_messages_need_a_live_instance(store: SqliteStore) -> None:
    delivery = Delivery("i", Message(1, None, event_raised("go", None, NOW)))
    with pytest.raises(InstanceNotFound):
        await store.send(delivery)
    await store.create(START, NOW, replace_any=False)
    await store.send(delivery)
    await store.commit(EpisodeCommit(Decision(START, NOW, RuntimeStatus.COMPLETED, None, history="{}")))
    with pytest.raises(InstanceEnded):
        await store.send(delivery)
    loaded = await store.load("i")
    assert loaded is not None
    assert (loaded.inbox, loaded.instance.start) == ([], START)


async def test_an_episode_of_a_replaced_execution_changes_nothing(store: SqliteStore) -> None:
    await store.create(START, NOW, replace_any=False)
    with pytest.raises(InstanceExists, match="status Pending already exists"):
        await store.create(START, NOW, replace_any=False)
    await store.create(Start("i", "e2", "orchestrator", None, None), NOW, replace_any=True)
    activity = Activity("i", "e1", 0, "a", "null")
    late = Decision(START, NOW, RuntimeStatus.RUNNING, None, history="{}", activities=[activity])
    with pytest.raises(Superseded):
        await store.commit(EpisodeCommit(late))
    loaded = await store.load("i")
    assert loaded is not None
    assert (loaded.instance.start.execution_id, loaded.history) == ("e2", [])


async def test_an_episode_that_another_has_come_before_changes_nothing(store: SqliteStore) -> None:
    """The hub runs the episodes of an instance one by one; should it ever fail to, its history stays one history."""
    await store.create(START, NOW, replace_any=False)
    await store.commit(EpisodeCommit(Decision(START, NOW, RuntimeStatus.RUNNING, None, history='{"n":0}')))
    again = replace(START, execution_id="e2", generation=1)
    for late in (
        Decision(START, NOW, RuntimeStatus.COMPLETED, None, history='{"n":1}'),
        Decision(START, NOW, RuntimeStatus.RUNNING, None, history='{"n":1}', next_start=again),
        Decision(START, NOW, RuntimeStatus.RUNNING, None, episode=2, history='{"n":1}'),
    ):
        with pytest.raises(Superseded, match="went on in another way"):
            await store.commit(EpisodeCommit(late))
    loaded = await store.load("i")
    assert loaded is not None
    assert (loaded.history, loaded.instance.start, loaded.instance.status) == ([{"n": 0}], START, "Running")
    await store.commit(EpisodeCommit(Decision(START, NOW, RuntimeStatus.FAILED, None, episode=1, history='{"n":1}')))


async def test_a_rewind_of_what_an_instance_was_before_another_rewind_is_refused(store: SqliteStore) -> None:
    await store.create(START, NOW, replace_any=False)
    await store.commit(EpisodeCommit(Decision(START, NOW, RuntimeStatus.FAILED, None, history='{"n":0}')))
    rewound = InstanceRewind([], EpisodeCommit(Decision(START, NOW, RuntimeStatus.RUNNING, None, episode=1)), [])
    await store.rewind([rewound])
    await store.commit(EpisodeCommit(Decision(START, NOW, RuntimeStatus.FAILED, None, episode=1, history='{"n":1}')))
    with pytest.raises(InstanceEnded):
        await store.rewind([rewound])


async def test_a_start_finds_everything_that_was_left_undone(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "hub.sqlite")
    first = await store.open()
    await store.create(START, NOW, replace_any=False)
    activity, timer = Activity("i", "e1", 0, "a", '"x"'), Timer("i", "e1", 1, NOW)
    request = EntityRequest("@e@k", "op", "null", "r", Parent("i", "e1", "orchestrator", 2))
    decision = Decision(START, NOW, RuntimeStatus.RUNNING, None, history="{}", activities=[activity], timers=[timer])
    await store.commit(EpisodeCommit(decision, requests=[(first.first_seq, request)]))
    await store.create(Start("fresh", "e9", "orchestrator", None, None), NOW, replace_any=False)
    result = Message(first.first_seq + 1, "e1", {"EventType": EventType.TASK_COMPLETED, "TaskScheduledId": 5})
    await store.finish_activity(Activity("i", "e1", 5, "b", "null"), result)
    await store.close()

    second = SqliteStore(tmp_path / "hub.sqlite")
    recovery = await second.open()
    assert sorted(recovery.instances) == ["fresh", "i"]
    assert (recovery.activities, recovery.timers) == ([activity], [timer])
    assert recovery.requests == [(first.first_seq, request)]
    assert recovery.first_seq > first.first_seq + 1
    await second.close()


@pytest.mark.parametrize(
    "statement",
    [
        "status_of",
        "instance",
        "history",
        "inbox",
        "delete_inbox",
        "delete_message",
        "delete_activity",
        "touch_instance",
    ],
)
async def test_what_an_instance_costs_does_not_depend_on_how_many_there_are(store: SqliteStore, statement: str) -> None:
    assert all(step.startswith("SEARCH") for step in await _plan(store, SQL[statement]))


@pytest.mark.parametrize("statement", ["instances_to_run", "unfinished_instances"])
async def test_finished_instances_cost_nothing_at_a_start_and_in_lists_of_others(
    store: SqliteStore, statement: str
) -> None:
    plan = await _plan(store, SQL[statement])
    assert "INDEX unfinished_by_time" in plan[0]


async def _plan(store: SqliteStore, statement: str) -> list[str]:
    values: Any = dict.fromkeys(re.findall(r":(\w+)", statement), "") or [""] * statement.count("?")

    def explain(connection: sqlite3.Connection) -> list[str]:
        return [row["detail"] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)]

    return await store._read(explain)


async def test_instances_of_unfinished_states_are_found_as_all_others(store: SqliteStore) -> None:
    for number, status in enumerate([RuntimeStatus.COMPLETED, RuntimeStatus.RUNNING, RuntimeStatus.SUSPENDED]):
        start = Start(f"i{number}", f"e{number}", "orchestrator", None, None)
        await store.create(start, NOW, replace_any=False)
        await store.commit(EpisodeCommit(Decision(start, NOW, status, None, history="{}")))

    async def found(*statuses: RuntimeStatus) -> list[str]:
        instances = await store.find(InstanceQuery(statuses=frozenset(statuses)))
        return [instance.start.instance_id for instance in instances]

    assert await found() == ["i0", "i1", "i2"]
    assert await found(RuntimeStatus.RUNNING) == ["i1"]
    assert await found(RuntimeStatus.RUNNING, RuntimeStatus.SUSPENDED, RuntimeStatus.PENDING) == ["i1", "i2"]
    assert await found(RuntimeStatus.RUNNING, RuntimeStatus.COMPLETED) == ["i0", "i1"]


async def test_what_may_wait_keeps_its_place_before_the_next_change(thread: SqliteThread) -> None:
    order: list[int] = []

    def note(value: int) -> Any:
        return lambda _: order.append(value)

    soon = [thread.run_soon(note(value)) for value in range(3)]
    await thread.run(note(3))
    assert all(each.done() for each in soon)
    assert order == [0, 1, 2, 3]


async def test_what_may_wait_needs_no_other_change(thread: SqliteThread) -> None:
    await asyncio.wait_for(thread.run_soon(_insert(1)), 10)
    assert await thread.run(_values) == [1]
