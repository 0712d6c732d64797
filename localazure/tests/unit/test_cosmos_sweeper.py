"""What dropped containers leave behind goes away in slices, also after a restart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from localazure.cosmos import partition_key, sweeper
from localazure.cosmos.catalog import Catalog
from localazure.cosmos.store import Store
from localazure.cosmos.writer import writing

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BODY = {"id": "orders", "partitionKey": {"paths": ["/pk"], "kind": "Hash", "version": 2}, "defaultTtl": 1}
UNIQUE = {"uniqueKeyPolicy": {"uniqueKeys": [{"paths": ["/id"]}]}}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cosmos.sqlite"


def fill(store: Store) -> Catalog:
    """A container with five items, each with a unique value and a change."""
    catalog = Catalog(store, partitions=1, change_log=True)
    container = catalog.create_container(catalog.create_database({"id": "shop"}, None, NOW), BODY | UNIQUE, None, NOW)
    key = partition_key.of_header(container.definition, '["a"]')
    with writing(store, container, NOW) as writer:
        for number in range(5):
            writer.insert(key, {"id": str(number), "pk": "a"})
    return catalog


def left(store: Store) -> list[int]:
    tables = ("items", "unique_values", "changes")
    return [store._writer.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]


def test_dropping_a_container_erases_nothing_yet_and_frees_its_name(path: Path) -> None:
    store = Store(path)
    catalog = fill(store)
    database = catalog.database("shop", by_rid=False)
    catalog.drop_container(catalog.container("shop", "orders", by_rid=False))
    assert catalog.containers(database) == []
    assert left(store) == [5, 5, 5]
    again = catalog.create_container(database, BODY, None, NOW)
    assert store.rows("count_items", container=again.number) == [(0, 0)]
    store.close()


def test_a_log_is_cut_before_the_first_entry_that_is_young_enough(path: Path) -> None:
    store = Store(path)
    container = fill(store).container("shop", "orders", by_rid=False)
    key = partition_key.of_header(container.definition, '["a"]')
    written = int(NOW.timestamp())
    for later in (10, 20):
        with writing(store, container, NOW + timedelta(seconds=later)) as writer:
            writer.insert(key, {"id": f"{later}", "pk": "a"})
    for before, rest in ((0, [1, 2, 3]), (1, [2, 3]), (10, [2, 3]), (11, [3]), (21, []), (22, [])):
        store.run("forget_changes", before=written + before)
        assert sorted({lsn for (lsn,) in store._writer.execute("SELECT lsn FROM changes")}) == rest
    store.close()


def test_rows_of_a_dropped_container_are_erased_in_slices_even_after_a_restart(path: Path) -> None:
    store = Store(path)
    catalog = fill(store)
    catalog.drop_database(catalog.database("shop", by_rid=False))
    [(number,)] = store.rows("dropped_containers")
    assert sweeper.erase_slice(store, number, 2)
    assert left(store) == [3, 3, 3]
    store.close()

    store = Store(path)
    assert Catalog(store, partitions=1, change_log=True).databases() == []
    assert store.rows("expired_containers", now=NOW.timestamp() + 100) == []
    assert [sweeper.erase_slice(store, number, 2) for _ in range(3)] == [True, True, False]
    assert left(store) == [0, 0, 0]
    assert store.rows("dropped_containers") == []
    store.close()
