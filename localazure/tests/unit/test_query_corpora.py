"""Every case of the JSON corpora: documents, a query, and its rows or the code of its error.

A corpus is `{"given": [documents], "cases": [...]}`; a case may bring its own `given`. Rows are compared as JSON text,
so that 1, 1.0 and true are told apart. The time of all queries is 2026-01-02T03:04:05.678901Z.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from localazure.cosmos.query import QueryError, compile_query

CORPORA = sorted((Path(__file__).parent.parent / "corpora" / "query").glob("*.json"))
NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


def _cases() -> list[Any]:
    cases = []
    for path in CORPORA:
        corpus = json.loads(path.read_text(encoding="utf-8"))
        for case in corpus["cases"]:
            cases.append(pytest.param({"given": corpus["given"], **case}, id=f"{path.stem}: {case['name']}"))
    return cases


def _run(case: dict[str, Any]) -> list[Any]:
    return compile_query(case["query"]).run(case["given"], case.get("parameters", {}), NOW)


def _text(rows: Any) -> str:
    return json.dumps(rows, sort_keys=True, ensure_ascii=False, allow_nan=False)


@pytest.mark.parametrize("case", _cases())
def test_query_gives_the_rows_or_the_error_of_its_case(case: dict[str, Any]) -> None:
    if "error" in case:
        with pytest.raises(QueryError) as caught:
            _run(case)
        assert caught.value.code == case["error"]
        assert [caught.value.start, caught.value.end] == case.get("location", [caught.value.start, caught.value.end])
    else:
        assert _text(_run(case)) == _text(case["result"])


def test_names_of_cases_are_unique() -> None:
    names = [case.id for case in _cases()]
    assert len(names) == len(set(names))
