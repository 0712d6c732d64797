"""The plan of a query: its form, and that merging the pieces as the client does gives the answer of the whole."""

from __future__ import annotations

import functools
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from localazure.cosmos.query import QueryError, compile_query, needs_plan, query_plan

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def rewritten(text: str, **parameters: Any) -> str:
    plan = query_plan(text, {f"@{name}": value for name, value in parameters.items()})
    return str(plan["queryInfo"]["rewrittenQuery"])


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM c ORDER BY c.n",
        "SELECT TOP 1 * FROM c",
        "SELECT * FROM c OFFSET 0 LIMIT 1",
        "SELECT DISTINCT c.n FROM c",
        "SELECT c.n FROM c GROUP BY c.n",
        "SELECT VALUE COUNT(1) FROM c",
        "SELECT {n: SUM(c.n) + 1} FROM c",
    ],
)
def test_a_query_whose_pieces_must_be_merged_needs_a_plan(text: str) -> None:
    assert needs_plan(text)


@pytest.mark.parametrize(
    "text", ["SELECT * FROM c WHERE c.n = 1", "SELECT VALUE (SELECT VALUE COUNT(1) FROM t IN c.t ORDER BY t) FROM c"]
)
def test_a_query_whose_pieces_are_only_joined_needs_none(text: str) -> None:
    assert not needs_plan(text)


def test_the_plan_of_an_ordered_query_in_full() -> None:
    assert query_plan("select value c.n from c order by c.n desc", {}) == {
        "partitionedQueryExecutionInfoVersion": 2,
        "queryInfo": {
            "distinctType": "None",
            "top": None,
            "offset": None,
            "limit": None,
            "orderBy": ["Descending"],
            "orderByExpressions": ["c.n"],
            "groupByExpressions": [],
            "groupByAliases": [],
            "aggregates": [],
            "groupByAliasToAggregateType": {},
            "rewrittenQuery": (
                'SELECT c._rid, [{"item": c.n}] AS orderByItems, c.n AS payload FROM c'
                " WHERE ({documentdb-formattableorderbyquery-filter}) AND IS_DEFINED(c.n) ORDER BY c.n DESC"
            ),
            "hasSelectValue": True,
            "hasNonStreamingOrderBy": False,
            "dCountInfo": None,
        },
        "queryRanges": [{"min": "", "max": "FF", "isMinInclusive": True, "isMaxInclusive": False}],
    }


def test_a_select_list_becomes_an_object_under_its_output_names() -> None:
    assert rewritten("SELECT c.id, c.a + 1, c.b AS x FROM c WHERE c.a = 1 OR c.b = 2 ORDER BY c.a, c.b DESC") == (
        'SELECT c._rid, [{"item": c.a}, {"item": c.b}] AS orderByItems,'
        ' {"id": c.id, "$1": c.a + 1, "x": c.b} AS payload FROM c'
        " WHERE (c.a = 1 OR c.b = 2) AND ({documentdb-formattableorderbyquery-filter})"
        " ORDER BY c.a ASC, c.b DESC"
    )


def test_a_star_becomes_the_alias() -> None:
    assert "AS orderByItems, f AS payload FROM Families f" in rewritten("SELECT * FROM Families f ORDER BY f.n")


def test_offset_and_limit_are_widened_to_all_rows_that_may_be_needed() -> None:
    assert rewritten("SELECT * FROM c OFFSET 5 LIMIT @l", l=3) == "SELECT * FROM c OFFSET 0 LIMIT 8"
    assert rewritten("SELECT TOP 2 * FROM c OFFSET 5 LIMIT 3") == "SELECT TOP 7 * FROM c OFFSET 0 LIMIT 7"
    assert rewritten("SELECT * FROM c ORDER BY c.n OFFSET 5 LIMIT 3").endswith("ORDER BY c.n ASC OFFSET 0 LIMIT 8")


def test_top_is_resolved_and_kept() -> None:
    plan = query_plan("SELECT TOP @n * FROM c ORDER BY c.n", {"@n": 4})
    assert plan["queryInfo"]["top"] == 4
    assert plan["queryInfo"]["rewrittenQuery"].startswith("SELECT TOP 4 c._rid")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("SELECT DISTINCT c.a FROM c", "Unordered"),
        ("SELECT DISTINCT VALUE c.a FROM c ORDER BY c.a", "Ordered"),
        ("SELECT DISTINCT c.a, c.b FROM c ORDER BY c.a, c.b", "Ordered"),
        ("SELECT DISTINCT VALUE c.a FROM c ORDER BY c.b", "Unordered"),
        ("SELECT c.a FROM c ORDER BY c.a", "None"),
    ],
)
def test_distinct_is_ordered_only_where_equal_rows_are_neighbours(text: str, kind: str) -> None:
    assert query_plan(text, {})["queryInfo"]["distinctType"] == kind


@pytest.mark.parametrize(
    ("text", "name", "select"),
    [
        ("SELECT VALUE COUNT(1) FROM c", "Count", '[{"item": COUNT(1)}]'),
        ("SELECT VALUE SUM(c.a + 1) FROM c", "Sum", '[{"item": SUM(c.a + 1)}]'),
        ("SELECT VALUE AVG(c.a) FROM c", "Average", '[{"item": {"sum": SUM(c.a), "count": COUNT(c.a)}}]'),
        (
            "SELECT VALUE MIN(c) FROM c",
            "Min",
            '[{"item": MIN(c), "item2": {"min": MIN(c), "count": COUNT(c)}}]',
        ),
        (
            "SELECT VALUE MAX(c) FROM c",
            "Max",
            '[{"item": MAX(c), "item2": {"max": MAX(c), "count": COUNT(c)}}]',
        ),
        ("SELECT VALUE COUNTIF(c.a > 1) FROM c", "CountIf", '[{"item": COUNTIF(c.a > 1)}]'),
    ],
)
def test_an_aggregate_is_split_into_shares(text: str, name: str, select: str) -> None:
    info = query_plan(text, {})["queryInfo"]
    assert info["aggregates"] == [name]
    assert info["rewrittenQuery"] == f"SELECT VALUE {select} FROM c"


@pytest.mark.parametrize(
    ("text", "feature"),
    [
        ("SELECT c.a FROM c GROUP BY c.a", "GroupBy"),
        ("SELECT COUNT(1) FROM c", "NonValueAggregate"),
        ("SELECT VALUE SUM(c.a) / 2 FROM c", "NonValueAggregate"),
        ("SELECT COUNT(1) AS n, SUM(c.a) AS s FROM c", "MultipleAggregates"),
        ("SELECT VALUE MAKELIST(c.a) FROM c", "MakeList"),
        ("SELECT * FROM (SELECT * FROM c) ORDER BY 1", "SubqueryWithoutAlias"),
    ],
)
def test_what_the_client_cannot_merge_is_refused_by_name(text: str, feature: str) -> None:
    with pytest.raises(QueryError, match=feature):
        query_plan(text, {})


def test_a_wrong_query_has_no_plan() -> None:
    with pytest.raises(QueryError, match="Syntax error"):
        query_plan("SELECT FROM c", {})


def compare_items(left: dict[str, Any], right: dict[str, Any], directions: list[str]) -> int:
    for first, second, direction in zip(left["orderByItems"], right["orderByItems"], directions, strict=True):
        a, b = first.get("item", -99), second.get("item", -99)
        if a != b:
            return (1 if a > b else -1) * (-1 if direction == "Descending" else 1)
    return 0


def merge(text: str, partitions: list[list[dict[str, Any]]]) -> list[Any]:
    """The answer of a client that runs the rewritten query on every partition."""
    info = query_plan(text, {})["queryInfo"]
    query = compile_query(info["rewrittenQuery"].replace("{documentdb-formattableorderbyquery-filter}", "true"))
    rows = [row for partition in partitions for row in query.run(partition, {}, NOW)]
    if info["orderBy"]:
        rows.sort(key=functools.cmp_to_key(lambda a, b: compare_items(a, b, info["orderBy"])))
        rows = [row["payload"] for row in rows]
    if info["distinctType"] == "Ordered":
        rows = [row for index, row in enumerate(rows) if index == 0 or rows[index - 1] != row]
    if info["distinctType"] == "Unordered":
        rows = [row for index, row in enumerate(rows) if row not in rows[:index]]
    rows = rows[info["offset"] or 0 :]
    for bound in (info["limit"], info["top"]):
        rows = rows if bound is None else rows[:bound]
    return rows


numbered = st.lists(
    st.fixed_dictionaries({"a": st.integers(0, 3)}, optional={"b": st.integers(0, 3), "_rid": st.just("r")}), max_size=5
)


@settings(deadline=None, derandomize=True)
@given(st.tuples(numbered, numbered, numbered))
def test_merging_the_pieces_gives_the_answer_of_the_whole(partitions: tuple[list[dict[str, Any]], ...]) -> None:
    documents = [document for partition in partitions for document in partition]
    for text in (
        "SELECT * FROM c ORDER BY c.a DESC",
        "SELECT VALUE c.b FROM c ORDER BY c.b, c.a DESC",
        "SELECT c.a, c.b FROM c WHERE c.a > 0 OR c.b > 1 ORDER BY c.b OFFSET 2 LIMIT 3",
        "SELECT TOP 3 VALUE c.a * 2 FROM c ORDER BY c.a DESC",
        "SELECT TOP 2 * FROM c OFFSET 1 LIMIT 3",
        "SELECT DISTINCT c.a FROM c",
        "SELECT DISTINCT VALUE c.a FROM c ORDER BY c.a DESC OFFSET 1 LIMIT 2",
        "SELECT DISTINCT TOP 2 VALUE c.a FROM c ORDER BY c.b",
        "SELECT c.a FROM c -- all of them",
    ):
        whole = compile_query(text).run(documents, {}, NOW)
        assert json.dumps(merge(text, list(partitions))) == json.dumps(whole), text
