"""Every case of the JSON corpora, asked twice: of the evaluator, and of a server through the official client.

A corpus is `{"given": [documents], "cases": [...]}`; a case may bring its own `given` and `parameters`, and ends in a
`result` or in the code of an `error` and perhaps its `location`. Rows are compared as JSON text, so that 1, 1.0 and
true are told apart. The time of all queries is 2026-01-02T03:04:05.678901Z.

For the server each corpus is one container and each set of documents a logical partition of it. What items have beyond
their documents (key, system properties, ids that were not given) is taken out of the rows again.
"""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from azure.cosmos import CosmosClient, PartitionKey
from azure.cosmos.exceptions import CosmosHttpResponseError
from localazure.clock import ManualClock
from localazure.cosmos.options import EMULATOR_KEY
from localazure.cosmos.query import QueryError, compile_query

CORPORA = sorted((Path(__file__).parents[2] / "corpora" / "query").glob("*.json"))
NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
ADDED = {"_set", "_rid", "_self", "_etag", "_ts", "_attachments"}
GENERATED = "generated id "


def _cases() -> list[Any]:
    cases = []
    for path in CORPORA:
        corpus = json.loads(path.read_text(encoding="utf-8"))
        for case in corpus["cases"]:
            given = {"corpus": path.stem, "given": corpus["given"], **case}
            cases.append(pytest.param(given, id=f"{path.stem}: {case['name']}"))
    return cases


CASES = _cases()


def _text(rows: Any) -> str:
    return json.dumps(rows, sort_keys=True, ensure_ascii=False, allow_nan=False)


def _place_of(case: dict[str, Any], found: list[int]) -> list[int]:
    """The place that the case names, or whatever was found."""
    return list(case.get("location", found))


@pytest.mark.parametrize("case", CASES)
def test_the_evaluator_gives_the_rows_or_the_error_of_a_case(case: dict[str, Any]) -> None:
    def run() -> list[Any]:
        return compile_query(case["query"]).run(case["given"], case.get("parameters", {}), NOW)

    if "error" not in case:
        assert _text(run()) == _text(case["result"])
        return
    with pytest.raises(QueryError) as caught:
        run()
    place = [caught.value.start, caught.value.end]
    assert (caught.value.code, place) == (case["error"], _place_of(case, place))


@pytest.fixture(scope="module")
def asked(serve_at: Any) -> Any:
    """Ask a case of a server that holds the documents of all cases; gives the rows."""
    server = serve_at(ManualClock(NOW))
    with CosmosClient(server.url, EMULATOR_KEY) as client:
        database = client.create_database("corpora")
        containers = {path.stem: database.create_container(path.stem, PartitionKey("/_set")) for path in CORPORA}
        filled: set[tuple[str, str]] = set()

        def ask(case: dict[str, Any]) -> list[Any]:
            container, documents = containers[case["corpus"]], _text(case["given"])
            if (case["corpus"], documents) not in filled and case["given"]:
                creates = [("create", (_item(one, index, documents),)) for index, one in enumerate(case["given"])]
                container.execute_item_batch(creates, _set_of(documents))
            filled.add((case["corpus"], documents))
            parameters = [{"name": name, "value": value} for name, value in case.get("parameters", {}).items()]
            return list(container.query_items(case["query"], parameters, partition_key=_set_of(documents)))

        yield ask


def _set_of(documents: str) -> str:
    return hashlib.sha256(documents.encode()).hexdigest()


def _item(document: dict[str, Any], index: int, documents: str) -> dict[str, Any]:
    return {"id": f"{GENERATED}{index}", **document, "_set": _set_of(documents)}


def _without_additions(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_additions(member) for member in value]
    if not isinstance(value, dict):
        return value
    return {
        name: _without_additions(member)
        for name, member in value.items()
        if name not in ADDED and not (name == "id" and str(member).startswith(GENERATED))
    }


@pytest.mark.parametrize("case", CASES)
def test_a_server_gives_the_rows_or_the_error_of_a_case(asked: Any, case: dict[str, Any]) -> None:
    if "error" not in case:
        assert _text(_without_additions(asked(case))) == _text(case["result"])
        return
    with pytest.raises(CosmosHttpResponseError) as refusal:
        asked(case)
    message = json.loads(refusal.value.http_error_message)["message"]
    [error] = json.loads(message.removeprefix("Message: ").partition("\r\n")[0])["errors"]
    place = [error["location"]["start"], error["location"]["end"]]
    assert refusal.value.status_code == 400
    assert (error["code"], place) == (case["error"], _place_of(case, place))


def test_there_are_many_cases_and_their_names_are_unique() -> None:
    names = [case.id for case in CASES]
    assert len(names) >= 500
    assert len(names) == len(set(names))
