"""Twenty times kill -9 among sixteen writers: what was acknowledged is there, batches are whole, the feed goes on."""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import json
import threading
from collections import Counter
from dataclasses import dataclass, field
from email.utils import formatdate
from urllib.parse import quote, urlsplit

import pytest
from azure.cosmos import PartitionKey
from localazure.cosmos.addressing import parse_address
from localazure.cosmos.auth import signed_text
from localazure.cosmos.options import EMULATOR_KEY

KILLS = 20
WRITERS = 16
ITEMS_OF_A_BATCH = 5
DOCS = "/dbs/shop/colls/orders/docs/"
ALL_VERSIONS = {"a-im": "Full-Fidelity Feed", "x-ms-max-item-count": "1000"}


class Wire:
    """Signed requests over one connection, without the repetitions that the official client adds."""

    def __init__(self, url: str) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=20)

    def call(self, method, path=DOCS, body=None, **headers):
        """Status, ETag and JSON of an answer. Raises OSError or HTTPException when the server is gone."""
        date = formatdate(usegmt=True)
        text = signed_text(method, parse_address(path), date).encode()
        signature = base64.b64encode(hmac.digest(base64.b64decode(EMULATOR_KEY), text, hashlib.sha256)).decode()
        given = {"authorization": quote(f"type=master&ver=1.0&sig={signature}"), "x-ms-date": date, **headers}
        self._connection.request(method, path, None if body is None else json.dumps(body), given)
        answer = self._connection.getresponse()
        text = answer.read()
        return answer.status, answer.headers.get("etag", ""), json.loads(text) if text else None

    def close(self) -> None:
        self._connection.close()


@dataclass
class Writer:
    """Counts up in a logical partition of its own: by upsert, by patch and by batch, over and over.

    Each list holds what was acknowledged; at most one write more may have happened.
    """

    key: str
    upserted: int = 0
    patched: int = 0
    batches: int = 0
    attempted_batches: int = 0
    unexpected: list[object] = field(default_factory=list)

    def write(self, url: str, acknowledged: threading.Semaphore) -> None:
        """Write until the server is gone."""
        wire = Wire(url)
        try:
            while self._round(wire):
                acknowledged.release(3)
        except (OSError, http.client.HTTPException):
            return
        finally:
            wire.close()

    def _round(self, wire: Wire) -> bool:
        self.upserted += self._ask(wire, "POST", DOCS, {"id": "upserted", "pk": self.key, "n": self.upserted + 1})
        operations = [{"op": "incr", "path": "/n", "value": 1}]
        self.patched += self._ask(wire, "PATCH", f"{DOCS}patched/", {"operations": operations})
        self.attempted_batches = self.batches + 1
        self.batches += self._ask(wire, "POST", DOCS, self._batch(self.attempted_batches), batch="True")
        return not self.unexpected

    def _batch(self, number: int) -> list[dict]:
        """New items, and two that say the same number."""
        new = [{"id": f"{number}-{index}", "pk": self.key} for index in range(ITEMS_OF_A_BATCH)]
        pair = [{"id": side, "pk": self.key, "n": number} for side in ("left", "right")]
        creates = [{"operationType": "Create", "resourceBody": body} for body in new]
        return [*creates, *({"operationType": "Upsert", "resourceBody": body} for body in pair)]

    def _ask(self, wire: Wire, method: str, path: str, body: object, batch: str = "False") -> bool:
        headers = {"x-ms-cosmos-is-batch-request": batch, "x-ms-documentdb-is-upsert": "True"}
        status, _, answer = wire.call(method, path, body, **key_header(self.key), **headers)
        if status not in {200, 201}:
            self.unexpected.append((status, answer))
        return status in {200, 201}

    def check(self, wire: Wire) -> None:
        """Nothing that was acknowledged is lost, nothing is there in part; then count from what is there."""
        assert not self.unexpected
        assert self._number(wire, "upserted") - self.upserted in {0, 1}
        assert self._number(wire, "patched") - self.patched in {0, 1}
        last = self._number(wire, "left")
        assert last == self._number(wire, "right")
        assert last in {self.batches, self.attempted_batches}
        for number in range(max(self.batches, 1), self.attempted_batches + 1):
            ids = [f"{number}-{index}" for index in range(ITEMS_OF_A_BATCH)]
            found = {self._read(wire, item_id)[0] for item_id in ids}
            assert found == ({200} if number <= last else {404})
        self.upserted, self.patched = self._number(wire, "upserted"), self._number(wire, "patched")
        self.batches = self.attempted_batches = last

    def _number(self, wire: Wire, item_id: str) -> int:
        status, _, item = self._read(wire, item_id)
        return item["n"] if status == 200 else 0

    def _read(self, wire: Wire, item_id: str):
        return wire.call("GET", f"{DOCS}{item_id}/", **key_header(self.key))


@dataclass
class FeedReader:
    """Follows every version from one token to the next, across the lives of the server."""

    token: str = '"0"'
    lsns: list[int] = field(default_factory=list)

    def follow(self, url: str) -> None:
        """Read until the server is gone."""
        wire = Wire(url)
        try:
            while True:
                self.page(wire)
        except (OSError, http.client.HTTPException):
            return
        finally:
            wire.close()

    def page(self, wire: Wire) -> int:
        status, token, answer = wire.call("GET", **ALL_VERSIONS, **{"if-none-match": self.token})
        if status == 200:
            self.lsns += [entry["metadata"]["lsn"] for entry in answer["Documents"]]
        self.token = token
        return status

    def check(self, wire: Wire) -> None:
        """Read to the end. Every transaction was there once, in order, and those of several writes in one piece."""
        while self.page(wire) == 200:
            pass
        counts = Counter(self.lsns)
        assert self.lsns == sorted(self.lsns)
        assert list(counts) == list(range(1, int(self.token.strip('"')) + 1))
        assert set(counts.values()) == {1, ITEMS_OF_A_BATCH + 2}


def key_header(key: str) -> dict[str, str]:
    return {"x-ms-documentdb-partitionkey": json.dumps([key])}


@pytest.fixture
def process(start_process, connect, tmp_path):
    """A server process on a file, with a container in which every writer has an item to patch."""
    process = start_process("--data", str(tmp_path / "cosmos.sqlite"))
    container = connect(process).create_database("shop").create_container("orders", PartitionKey("/pk"))
    for number in range(WRITERS):
        container.create_item({"id": "patched", "pk": str(number), "n": 0})
    return process


def test_twenty_kills_among_sixteen_writers_lose_tear_skip_and_repeat_nothing(process):
    writers, feed = [Writer(str(number)) for number in range(WRITERS)], FeedReader()
    for life in range(KILLS):
        acknowledged = threading.Semaphore(0)
        threads = [threading.Thread(target=writer.write, args=(process.url, acknowledged)) for writer in writers]
        threads.append(threading.Thread(target=feed.follow, args=(process.url,)))
        for thread in threads:
            thread.start()
        for _ in range(60 + 17 * life):  # at another moment in each life
            assert acknowledged.acquire(timeout=20)
        process.kill()
        for thread in threads:
            thread.join(20)
        process.start()
        wire = Wire(process.url)
        for writer in writers:
            writer.check(wire)
        feed.check(wire)
        wire.close()
    assert min(writer.batches for writer in writers) > KILLS


def test_what_was_deleted_last_leaves_its_numbers_behind(process, connect):
    container = connect(process).get_database_client("shop").get_container_client("orders")
    deleted = container.create_item({"id": "last", "pk": "a"})
    container.delete_item("last", "a")
    process.kill()
    process.start()
    again = connect(process).get_database_client("shop").get_container_client("orders")
    created = again.create_item({"id": "last", "pk": "a"})
    assert created["_rid"] > deleted["_rid"]
    assert int(created.get_response_headers()["lsn"]) == WRITERS + 3
