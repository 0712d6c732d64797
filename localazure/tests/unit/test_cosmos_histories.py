"""Random histories: the emulator does what a dictionary would do, and its feeds tell all of it, once and in order.

A history is a few hundred steps: writes of every kind, batches, deleted partitions, expiry, sweeps and restarts. After
each step the statuses are compared with those of the model, every now and then what is there, and in the end what
readers of both feeds, who read on from time to time with pages of any size, have been told.
"""

from __future__ import annotations

import copy
import json
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from localazure.clock import ManualClock
from localazure.cosmos import sweeper
from localazure.cosmos.account import Account
from localazure.cosmos.addressing import parse_address
from localazure.cosmos.dispatch import dispatch
from localazure.cosmos.errors import ServiceError
from localazure.cosmos.messages import Call
from localazure.cosmos.options import Options
from multidict import CIMultiDict

HISTORIES, STEPS = 12, 250
DOCS: Final = "/dbs/shop/colls/orders/docs"
KEYS: Final = ('["a"]', '["b"]', "[1]", "[1.5]", "[true]", "[null]", "[{}]")  # as in headers; [{}] is an absent key
IDS: Final = ("0", "1", "2", "3", "4")
UNIQUE: Final = (None, 1, 1.0, 2, "x", "y", 3, 4, 5, 6, 7, 8)
KINDS: Final = ("Create", "Upsert", "Replace", "Patch", "Delete", "Read")
INCREMENT: Final = {"op": "incr", "path": "/n", "value": 1}
FAILURE: Final = {"op": "remove", "path": "/none"}
QUERY: Final = {"x_ms_documentdb_isquery": "true", "x_ms_max_item_count": "-1"}


@dataclass(frozen=True)
class Operation:
    """One operation on one item. A `stale` one insists on an ETag that the item does not have."""

    kind: str
    item_id: str
    document: dict[str, Any] = field(default_factory=dict)
    stale: bool = False
    fails: bool = False

    @property
    def body(self) -> Any:
        if self.kind == "Patch":
            return {"operations": [INCREMENT, FAILURE] if self.fails else [INCREMENT]}
        return self.document if self.kind in ("Create", "Upsert", "Replace") else None

    def entry(self) -> dict[str, Any]:
        """As part of a batch."""
        told = {"operationType": self.kind, "id": self.item_id, "resourceBody": self.body}
        return {**told, "ifMatch": '"stale"'} if self.stale else told


class Model:
    """What should be there, and every change of it: (operation, key, id, document)."""

    def __init__(self, clock: ManualClock, default_ttl: int | None) -> None:
        self._clock, self._default_ttl = clock, default_ttl
        self.items: dict[tuple[str, str], dict[str, Any]] = {}
        self.log: list[tuple[str, str, str, dict[str, Any] | None]] = []
        self._expires_at: dict[tuple[str, str], float] = {}

    def live(self) -> dict[tuple[str, str], dict[str, Any]]:
        now = self._clock.now().timestamp()
        return {place: item for place, item in self.items.items() if self._expires_at.get(place, now + 1) > now}

    def expire(self, key: str | None = None) -> None:
        """What a sweep does, of everything or before a write to one logical partition."""
        for place in sorted(self.items.keys() - self.live().keys()):
            if key in (None, place[0]):
                self._drop("expired", place)

    def apply(self, key: str, operation: Operation) -> int:
        """The status of an operation, which is done if that is below 400."""
        place, kind = (key, operation.item_id), operation.kind
        known = self.items.get(place)
        if known is None and kind not in ("Create", "Upsert"):
            return 404
        if known is not None and kind == "Create":
            return 409
        if known is not None and operation.stale and kind != "Read":
            return 412
        if kind == "Patch":
            return 400 if operation.fails else self._put(place, {**(known or {}), "n": (known or {})["n"] + 1})
        if kind == "Delete":
            self._drop("delete", place)
        return {"Read": 200, "Delete": 204}.get(kind) or self._put(place, operation.document)

    def batch(self, key: str, operations: list[Operation]) -> list[int]:
        """All statuses, or those of a batch that failed and left nothing."""
        before = copy.deepcopy((self.items, self.log, self._expires_at))
        statuses: list[int] = []
        for operation in operations:
            statuses.append(self.apply(key, operation))
            if statuses[-1] >= 400:
                self.items, self.log, self._expires_at = before
                done = len(statuses) - 1
                return [424] * done + statuses[-1:] + [424] * (len(operations) - done - 1)
        return statuses

    def drop_partition(self, key: str) -> None:
        for place in [place for place in self.live() if place[0] == key]:
            self._drop("delete", place)

    def _put(self, place: tuple[str, str], document: dict[str, Any]) -> int:
        rivals = [item for other, item in self.items.items() if other[0] == place[0] and other != place]
        if any(item.get("u") == document.get("u") for item in rivals):
            return 409
        status = 200 if place in self.items else 201
        self.items[place] = document
        self.log.append(("create" if status == 201 else "replace", *place, document))
        seconds = -1 if self._default_ttl is None else document.get("ttl", self._default_ttl)
        self._expires_at.pop(place, None)
        if seconds != -1:
            self._expires_at[place] = self._clock.now().timestamp() + seconds
        return status

    def _drop(self, operation: str, place: tuple[str, str]) -> None:
        del self.items[place]
        self._expires_at.pop(place, None)
        self.log.append((operation, *place, None))


class Emulator:
    """An account without HTTP, and readers of both feeds for each of its ranges."""

    def __init__(self, path: Path, clock: ManualClock, partitions: int) -> None:
        self.partitions = partitions
        self._options, self._clock = Options(data=path, partitions=partitions), clock
        self._tokens = {
            (mode, number): '"0"' for mode in ("Incremental", "Full-Fidelity") for number in range(partitions)
        }
        self.told: dict[tuple[str, int], list[dict[str, Any]]] = {reader: [] for reader in self._tokens}
        self.account = Account(self._options, clock)

    async def restart(self) -> None:
        await self.account.close()
        self.account = Account(self._options, self._clock)

    async def ask(self, method: str, path: str = DOCS, body: Any = None, **headers: str) -> tuple[int, Any, Any]:
        given = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
        text = b"" if body is None else json.dumps(body).encode()
        try:
            reply = await dispatch(self.account, Call(method, parse_address(path), given, text, "http://here"))
        except ServiceError as error:
            return error.status, None, {}
        return reply.status, json.loads(reply.text) if reply.text else None, reply.headers

    async def apply(self, key: str, operation: Operation) -> int:
        kind, path = operation.kind, f"{DOCS}/{operation.item_id}"
        method = {"Replace": "PUT", "Patch": "PATCH", "Delete": "DELETE", "Read": "GET"}.get(kind, "POST")
        headers = {"x_ms_documentdb_partitionkey": key, "x_ms_documentdb_is_upsert": str(kind == "Upsert")}
        headers |= {"if_match": '"stale"'} if operation.stale else {}
        return (await self.ask(method, DOCS if method == "POST" else path, operation.body, **headers))[0]

    async def batch(self, key: str, operations: list[Operation]) -> list[int]:
        headers = {"x_ms_documentdb_partitionkey": key, "x_ms_cosmos_is_batch_request": "True"}
        status, entries, _ = await self.ask("POST", DOCS, [one.entry() for one in operations], **headers)
        statuses = [entry["statusCode"] for entry in entries]
        assert status == (207 if max(statuses) >= 400 else 200)
        return statuses

    async def documents(self, query: str, **scope: str) -> list[Any]:
        return list((await self.ask("POST", DOCS, {"query": query}, **QUERY, **scope))[1]["Documents"])

    async def read_on(self, page_size: int) -> None:
        """Let every reader of a feed read to its end."""
        for mode, number in self._tokens:
            headers = {"a_im": f"{mode} Feed", "x_ms_documentdb_partitionkeyrangeid": str(number)}
            headers["x_ms_max_item_count"] = str(page_size)
            status = 0
            while status != 304:
                token = self._tokens[mode, number]
                status, page, answered = await self.ask("GET", if_none_match=token, **headers)
                self._tokens[mode, number] = answered["etag"]
                self.told[mode, number] += page["Documents"] if page else []

    def sweep(self) -> None:
        container = self.account.catalog.container("shop", "orders", by_rid=False)
        sweeper.sweep_container(self.account.store, container, self.account.clock.now())


class History:
    """One random history of a model and an emulator."""

    def __init__(self, seed: int, path: Path) -> None:
        self._random = random.Random(seed)
        self._clock = ManualClock()
        self._default_ttl = self._random.choice([None, -1, 50])
        self.model = Model(self._clock, self._default_ttl)
        self.emulator = Emulator(path, self._clock, self._random.choice([1, 3]))
        self._links: dict[tuple[str, str], str] = {}

    async def begin(self) -> None:
        unique = {"uniqueKeys": [{"paths": ["/u"]}]}
        key = {"paths": ["/pk"], "kind": "Hash", "version": 2}
        properties: dict[str, Any] = {"id": "orders", "partitionKey": key, "uniqueKeyPolicy": unique}
        properties |= {"defaultTtl": self._default_ttl} if self._default_ttl else {}
        await self.emulator.ask("POST", "/dbs", {"id": "shop"})
        assert (await self.emulator.ask("POST", "/dbs/shop/colls", properties))[0] == 201

    async def step(self) -> None:
        key = self._random.choice(KEYS)
        steps = {self._write: 55, self._batch: 20, self._wait: 6, self._read_on: 6, self._check: 4}
        steps |= {self._drop_partition: 3, self._sweep: 3, self._restart: 3}
        [step] = self._random.choices(list(steps), list(steps.values()))
        await step(key)

    async def end(self) -> None:
        await self._sweep("")
        await self._check("")
        await self._read_on("")
        await self.emulator.account.close()

    async def _write(self, key: str) -> None:
        operation = self._operation(key)
        if operation.kind != "Read":
            self.model.expire(key)
            assert await self.emulator.apply(key, operation) == self.model.apply(key, operation), operation

    async def _batch(self, key: str) -> None:
        operations = [self._operation(key) for _ in range(self._random.randint(1, 6))]
        self.model.expire(key)
        assert await self.emulator.batch(key, operations) == self.model.batch(key, operations), operations

    async def _drop_partition(self, key: str) -> None:
        path = DOCS.replace("docs", "operations/partitionkeydelete")
        await self.emulator.ask("POST", path, x_ms_documentdb_partitionkey=key)
        self.model.drop_partition(key)

    async def _wait(self, _key: str) -> None:
        self._clock.advance(seconds=self._random.choice([1, 3, 10, 30]))

    async def _sweep(self, _key: str) -> None:
        self.emulator.sweep()
        self.model.expire()

    async def _restart(self, _key: str) -> None:
        await self.emulator.restart()

    async def _read_on(self, _key: str) -> None:
        await self.emulator.read_on(self._random.choice([1, 2, 5, 100]))

    async def _check(self, _key: str) -> None:
        """Whatever way one asks, what is alive is there and nothing else."""
        live = self.model.live()
        await self._check_scope(list(live), x_ms_documentdb_query_enablecrosspartition="true")
        for key in KEYS:
            await self._check_scope([place for place in live if place[0] == key], x_ms_documentdb_partitionkey=key)
            for item_id in IDS:
                status = await self.emulator.apply(key, Operation("Read", item_id))
                assert status == (200 if (key, item_id) in live else 404)
        found = await self._in_ranges("SELECT * FROM c")
        assert {place_of(item): own(item) for item in found} == live
        assert len(found) == len(live)
        for condition, expected in (
            ("c.pk = 'a'", [place for place in live if place[0] == '["a"]']),
            ("c.id IN ('1', '2')", [place for place in live if place[1] in ("1", "2")]),
        ):
            some = await self._in_ranges(f"SELECT * FROM c WHERE {condition}")
            assert sorted(map(place_of, some)) == sorted(expected)
        self._links |= {place_of(item): f"/{item['_self']}" for item in found}
        for place, link in self._links.items():
            status, _, _ = await self.emulator.ask("GET", link, x_ms_documentdb_partitionkey=place[0])
            assert status == (200 if place in live else 404)

    async def _in_ranges(self, query: str) -> list[Any]:
        """What a query finds in one range after another, each narrowed to an interval that is wider than any."""
        wide = {"x_ms_start_epk": "00", "x_ms_end_epk": "FF"}
        numbers = map(str, range(self.emulator.partitions))
        ranges = [{"x_ms_documentdb_partitionkeyrangeid": number, **wide} for number in numbers]
        return [item for one in ranges for item in await self.emulator.documents(query, **one)]

    async def _check_scope(self, places: list[tuple[str, str]], **scope: str) -> None:
        ask = self.emulator.documents
        assert sorted(map(place_of, await ask("SELECT * FROM c", **scope))) == sorted(places)
        assert await ask("SELECT VALUE COUNT(1) FROM c", **scope) == [len(places)]
        ids = await ask("SELECT VALUE c.id FROM c WHERE c.id IN ('1', '2', 'none')", **scope)
        assert sorted(ids) == sorted(item_id for _, item_id in places if item_id in ("1", "2"))

    def _operation(self, key: str) -> Operation:
        item_id, chance = self._random.choice(IDS), self._random.random
        document = {"id": item_id, "u": self._random.choice(UNIQUE), "n": self._random.randint(0, 9)}
        document |= {"ttl": self._random.choice([-1, 5, 20])} if chance() < 0.2 else {}
        document |= {"pk": json.loads(key)[0]} if key != "[{}]" else {}
        kind = self._random.choice(KINDS)
        stale = kind in ("Upsert", "Replace", "Patch", "Delete") and chance() < 0.2
        return Operation(kind, item_id, document, stale, fails=chance() < 0.3)


def own(item: dict[str, Any]) -> dict[str, Any]:
    """The document without system properties."""
    return {name: value for name, value in item.items() if not name.startswith("_")}


def place_of(item: dict[str, Any]) -> tuple[str, str]:
    return json.dumps([item.get("pk", {})]), item["id"]


def changes_of(entries: list[dict[str, Any]]) -> dict[tuple[str, str], list[Any]]:
    """For each item the changes that a reader of all versions was told."""
    found: dict[tuple[str, str], list[Any]] = {}
    for entry in entries:
        facts, item = entry["metadata"], entry.get("current")
        place = place_of(item or {"id": entry["metadata"]["id"], **entry["metadata"]["partitionKey"]})
        operation = "expired" if facts.get("timeToLiveExpired") else facts["operationType"]
        found.setdefault(place, []).append((operation, own(item) if item else None))
    return found


@pytest.mark.parametrize("seed", range(HISTORIES))
async def test_a_random_history_leaves_and_tells_what_a_dictionary_would(seed: int, tmp_path: Path) -> None:
    history = History(seed, tmp_path / "cosmos.sqlite")
    await history.begin()
    for _ in range(STEPS):
        await history.step()
    await history.end()

    expected: dict[tuple[str, str], list[Any]] = {}
    for operation, key, item_id, document in history.model.log:
        expected.setdefault((key, item_id), []).append((operation, document))
    latest: dict[tuple[str, str], dict[str, Any]] = {}
    entries: list[dict[str, Any]] = []
    for (mode, _), told in history.emulator.told.items():
        lsns = [one["_lsn"] if mode == "Incremental" else one["metadata"]["lsn"] for one in told]
        assert lsns == sorted(lsns)
        if mode == "Incremental":
            assert len({item["_etag"] for item in told}) == len(told)
            latest |= {place_of(item): own(item) for item in told}
        else:
            entries += told
    assert changes_of(entries) == expected
    assert {place: latest.get(place) for place in history.model.items} == history.model.items
