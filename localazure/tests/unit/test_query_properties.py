"""Rules that hold for all values and queries, checked against naive renderings of the same rules."""

from __future__ import annotations

import contextlib
import functools
import json
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from localazure.cosmos.query import UNDEFINED, QueryError, compile_query, query_plan
from localazure.cosmos.query.like import like
from localazure.cosmos.query.regex import PatternError, machine

NOW = datetime(2026, 1, 1, tzinfo=UTC)

# Deterministic and without a deadline: a busy machine must not fail a test.
checked = settings(deadline=None, derandomize=True)
thorough = settings(checked, max_examples=500)

primitives = (
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([0.5, 1.0, -2.0, 1e300])
    | st.text("ab", max_size=2)
)
values = st.recursive(
    primitives,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
    max_leaves=5,
)
documents = st.lists(st.fixed_dictionaries({}, optional={"a": values, "b": values, "n": primitives}), max_size=8)


def run(query: str, given_documents: list[dict[str, Any]], **parameters: Any) -> list[Any]:
    return compile_query(query).run(given_documents, {f"@{name}": value for name, value in parameters.items()}, NOW)


def naive_rank(value: Any) -> int:
    """undefined < null < false < true < numbers < strings < arrays < objects."""
    order = [
        value is UNDEFINED,
        value is None,
        value is False,
        value is True,
        isinstance(value, int | float),
        isinstance(value, str),
        isinstance(value, list),
    ]
    return order.index(True) if True in order else len(order)


def naive_compare(left: Any, right: Any) -> int:
    if naive_rank(left) != naive_rank(right):
        return naive_rank(left) - naive_rank(right)
    if isinstance(left, int | float | str):
        return bool(left > right) - bool(left < right)
    return 0


def naive_equal(left: Any, right: Any) -> bool:
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(naive_equal, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(naive_equal(left[key], right[key]) for key in left)
    if isinstance(left, bool) or isinstance(right, bool) or type(left) is not type(right):
        number = (int, float)
        return left is right or (type(left) in number and type(right) in number and left == right)
    return bool(left == right)


def as_text(rows: list[Any]) -> list[str]:
    return [json.dumps(row, sort_keys=True) for row in rows]


@checked
@given(documents, st.booleans())
def test_order_by_agrees_with_a_stable_sort_in_the_order_of_types(docs: list[dict[str, Any]], descending: bool) -> None:
    key = functools.cmp_to_key(naive_compare)
    expected = sorted(docs, key=lambda doc: key(doc.get("a", UNDEFINED)), reverse=descending)
    rows = run(f"SELECT * FROM c ORDER BY c.a {'DESC' if descending else 'ASC'}", docs)
    assert as_text(rows) == as_text(expected)


@checked
@given(documents)
def test_order_by_two_keys_is_order_by_the_second_and_then_by_the_first(docs: list[dict[str, Any]]) -> None:
    by_second = run("SELECT * FROM c ORDER BY c.b DESC", docs)
    expected = run("SELECT * FROM c ORDER BY c.a", by_second)
    assert as_text(run("SELECT * FROM c ORDER BY c.a, c.b DESC", docs)) == as_text(expected)


@checked
@given(values, values)
def test_exactly_one_of_less_equal_and_greater_holds_for_primitives_of_one_type(left: Any, right: Any) -> None:
    query = "SELECT VALUE [IIF(@l < @r, 1, 0), IIF(@l = @r, 1, 0), IIF(@l > @r, 1, 0)]"
    [signs] = run(query, [], l=left, r=right)
    kind = naive_rank({False: True}.get(left, left) if isinstance(left, bool) else left)
    other = naive_rank({False: True}.get(right, right) if isinstance(right, bool) else right)
    if kind != other:
        assert signs == [0, 0, 0]
    elif isinstance(left, list | dict):
        assert signs == [0, int(naive_equal(left, right)), 0]
    else:
        assert sum(signs) == 1


@checked
@given(st.lists(values, max_size=10))
def test_distinct_equals_naive_removal_of_repeats(items: list[Any]) -> None:
    expected: list[Any] = []
    for item in items:
        if not any(naive_equal(item, seen) for seen in expected):
            expected.append(item)
    assert as_text(run("SELECT DISTINCT VALUE c.v FROM c", [{"v": item} for item in items])) == as_text(expected)


@checked
@given(st.lists(values, max_size=10))
def test_groups_are_the_distinct_keys_with_their_counts(items: list[Any]) -> None:
    docs = [{"v": item} for item in items]
    groups = run("SELECT c.v AS k, COUNT(1) AS n FROM c GROUP BY c.v", docs)
    assert as_text([group["k"] for group in groups]) == as_text(run("SELECT DISTINCT VALUE c.v FROM c", docs))
    assert [group["n"] for group in groups] == [
        sum(naive_equal(item, group["k"]) for item in items) for group in groups
    ]


@checked
@given(values, st.lists(values, max_size=4))
def test_in_equality_and_array_contains_agree(wanted: Any, items: list[Any]) -> None:
    expected = any(naive_equal(wanted, item) for item in items)
    assert run("SELECT VALUE ARRAY_CONTAINS(@l, @v)", [], l=items, v=wanted) == [expected]
    if items:
        names = ", ".join(f"@p{index}" for index in range(len(items)))
        parameters = {f"p{index}": item for index, item in enumerate(items)}
        assert run(f"SELECT VALUE @v IN ({names})", [], v=wanted, **parameters) == [expected]


naive_key = functools.cmp_to_key(naive_compare)


@checked
@given(documents, st.sampled_from(["COUNT", "SUM", "AVG", "MIN", "MAX"]))
def test_aggregates_of_groups_agree_with_naive_ones(docs: list[dict[str, Any]], name: str) -> None:
    rows = run(f"SELECT c.a AS k, {name}(c.n) AS v FROM c GROUP BY c.a", docs)
    keys: list[Any] = []
    for doc in docs:
        if not any(naive_equal(doc.get("a", UNDEFINED), key) for key in keys):
            keys.append(doc.get("a", UNDEFINED))
    expected = []
    for key in keys:
        members = [doc["n"] for doc in docs if naive_equal(doc.get("a", UNDEFINED), key) and "n" in doc]
        pairs = {"k": key, "v": naive_aggregate(name, members)}
        expected.append({name: value for name, value in pairs.items() if value is not UNDEFINED})
    assert as_text(rows) == as_text(expected)


def naive_aggregate(name: str, members: list[Any]) -> Any:
    if name == "COUNT":
        return len(members)
    if name in ("MIN", "MAX"):
        pick = min if name == "MIN" else max
        return pick(members, key=naive_key, default=UNDEFINED)
    if any(naive_rank(member) != naive_rank(0) for member in members):
        return UNDEFINED
    total = sum(members)
    if name == "AVG":
        if not members:
            return UNDEFINED
        total = total / len(members)
    return int(total) if total == int(total) and abs(total) < 2**63 else total


@checked
@given(documents, st.booleans(), st.integers(0, 3), st.integers(0, 4))
def test_distinct_sorted_rows_within_bounds_agree_with_naive_steps(
    docs: list[dict[str, Any]], descending: bool, offset: int, limit: int
) -> None:
    ordered = sorted(docs, key=lambda doc: naive_key(doc.get("n", UNDEFINED)), reverse=descending)
    expected: list[Any] = []
    for value in (doc.get("b", UNDEFINED) for doc in ordered):
        if value is not UNDEFINED and not any(naive_equal(value, seen) for seen in expected):
            expected.append(value)
    direction = "DESC" if descending else "ASC"
    query = f"SELECT DISTINCT VALUE c.b FROM c ORDER BY c.n {direction} OFFSET {offset} LIMIT {limit}"
    assert as_text(run(query, docs)) == as_text(expected[offset : offset + limit])


@checked
@given(documents)
def test_undefined_is_neither_equal_nor_unequal_to_anything_but_sorts_and_groups(docs: list[dict[str, Any]]) -> None:
    absent = [doc for doc in docs if "a" not in doc]
    for operator in ("=", "!=", "<", ">="):
        found = run(f"SELECT * FROM c WHERE c.a {operator} c.none OR c.none {operator} c.a", docs)
        assert found == []
    assert as_text(run("SELECT * FROM c WHERE NOT IS_DEFINED(c.a)", docs)) == as_text(absent)
    assert as_text(run("SELECT * FROM c ORDER BY c.a", docs)[: len(absent)]) == as_text(absent)
    groups = run("SELECT c.a AS k, COUNT(1) AS n FROM c GROUP BY c.a", docs)
    assert [group["n"] for group in groups if "k" not in group] == ([len(absent)] if absent else [])


@checked
@given(documents, st.integers(1, 4), st.booleans(), st.integers(0, 3), st.integers(0, 4))
def test_sorted_partitions_merged_as_a_client_does_are_the_sorted_whole(
    docs: list[dict[str, Any]], partitions: int, descending: bool, offset: int, limit: int
) -> None:
    """What a client does with the plan: run the rewritten query on each partition, merge by the sort keys, cut."""
    numbered = [{**doc, "_rid": index} for index, doc in enumerate(docs)]
    direction = "DESC" if descending else "ASC"
    text = f"SELECT VALUE c._rid FROM c ORDER BY c.n {direction}, c._rid OFFSET {offset} LIMIT {limit}"
    info = query_plan(text, {})["queryInfo"]
    rows = [row for part in parts_of(numbered, partitions) for row in run(info["rewrittenQuery"], part)]
    for index, order in reversed(list(enumerate(info["orderBy"]))):
        rows.sort(
            key=lambda row, index=index: naive_key(row["orderByItems"][index].get("item", UNDEFINED)),
            reverse=order == "Descending",
        )
    merged = [row["payload"] for row in rows][info["offset"] : info["offset"] + info["limit"]]
    assert merged == run(text, numbered)


@checked
@given(documents, st.integers(1, 4), st.sampled_from(["COUNT", "SUM", "AVG", "MIN", "MAX"]))
def test_shares_of_partitions_added_up_as_a_client_does_are_the_aggregate(
    docs: list[dict[str, Any]], partitions: int, name: str
) -> None:
    text = f"SELECT VALUE {name}(c.n) FROM c"
    plan = query_plan(text, {})["queryInfo"]["rewrittenQuery"]
    shares = [share for part in parts_of(docs, partitions) for [share] in run(plan, part)]
    items = [share.get("item", UNDEFINED) for share in shares]
    merged: list[Any]
    if name in ("COUNT", "SUM"):
        merged = [] if UNDEFINED in items else [sum(items)]
    elif name == "AVG":
        sums, count = [item.get("sum", UNDEFINED) for item in items], sum(item["count"] for item in items)
        merged = [] if UNDEFINED in sums or not count else [sum(sums) / count]
    else:
        merged = [item for item in items if item is not UNDEFINED]
        merged = [(min if name == "MIN" else max)(merged, key=naive_key)] if merged else []
    whole = run(text, docs)
    assert merged == pytest.approx(whole) if name in ("SUM", "AVG") else as_text(merged) == as_text(whole)


def parts_of(docs: list[dict[str, Any]], count: int) -> list[list[dict[str, Any]]]:
    return [docs[start::count] for start in range(count)]


@checked
@given(documents, st.integers(1, 4))
def test_distinct_rows_of_partitions_joined_and_cleaned_are_those_of_the_whole(
    docs: list[dict[str, Any]], partitions: int
) -> None:
    plan = query_plan("SELECT DISTINCT VALUE c.a FROM c", {})["queryInfo"]
    assert plan["distinctType"] == "Unordered"
    query = plan["rewrittenQuery"] or "SELECT DISTINCT VALUE c.a FROM c"
    joined = [{"a": row} for part in parts_of(docs, partitions) for row in run(query, part)]
    cleaned = as_text(run("SELECT DISTINCT VALUE c.a FROM c", joined))
    whole = as_text(run("SELECT DISTINCT VALUE c.a FROM c", docs))
    assert len(cleaned) == len(whole)
    assert all(any(naive_equal(json.loads(row), json.loads(other)) for other in whole) for row in cleaned)


leaves = st.sampled_from(
    ["c.a = 1", "c.b = 'a'", "c.n > 0", "c.n <= c.a", "IS_DEFINED(c.a)", "c.a", "true", "false", "undefined", "null"]
)
trees = st.recursive(
    leaves,
    lambda inner: st.tuples(st.just("NOT"), inner) | st.tuples(st.sampled_from(["AND", "OR"]), inner, inner, inner),
    max_leaves=8,
)


def render(tree: Any) -> str:
    if isinstance(tree, str):
        return tree
    if tree[0] == "NOT":
        return f"NOT ({render(tree[1])})"
    return f" {tree[0]} ".join(f"({render(part)})" for part in tree[1:])


def naive_truth(tree: Any, document: dict[str, Any]) -> bool | None:
    """Three-valued logic with None as the third value; the leaves are left to the engine."""
    if isinstance(tree, str):
        found = run(f"SELECT VALUE {tree} FROM c", [document])
        return found[0] if found and isinstance(found[0], bool) else None
    parts = [naive_truth(part, document) for part in tree[1:]]
    if tree[0] == "NOT":
        return None if parts[0] is None else not parts[0]
    decisive = tree[0] == "OR"
    if decisive in parts:
        return decisive
    return None if None in parts else not decisive


@checked
@given(trees, documents)
def test_where_agrees_with_naive_three_valued_logic(tree: Any, docs: list[dict[str, Any]]) -> None:
    expected = [document for document in docs if naive_truth(tree, document) is True]
    assert as_text(run(f"SELECT * FROM c WHERE {render(tree)}", docs)) == as_text(expected)


@checked
@given(documents, st.integers(0, 9), st.integers(0, 9), st.integers(0, 9))
def test_bounds_are_slices_of_the_unbounded_rows(docs: list[dict[str, Any]], top: int, offset: int, limit: int) -> None:
    for order in ("", "ORDER BY c.a"):
        rows = as_text(run(f"SELECT c.a, c.b FROM c {order}", docs))
        bounded = run(
            f"SELECT TOP @top c.a, c.b FROM c {order} OFFSET @offset LIMIT @limit",
            docs,
            top=top,
            offset=offset,
            limit=limit,
        )
        assert as_text(bounded) == rows[offset : offset + limit][:top]


@checked
@given(documents)
def test_rows_of_a_streaming_query_are_the_answer_piece_by_piece(docs: list[dict[str, Any]]) -> None:
    query = compile_query("SELECT VALUE [c.n, x] FROM c JOIN x IN c.a WHERE x != 1")
    assert query.is_streaming
    pieces = [row for document in docs for row in query.rows(document, {}, NOW)]
    assert as_text(pieces) == as_text(query.run(docs, {}, NOW))


@checked
@given(st.text("ab%", max_size=6), st.text("ab", max_size=8))
def test_like_agrees_with_a_regular_expression(pattern: str, text: str) -> None:
    assert like(pattern, None)(text) == bool(re.fullmatch(pattern.replace("%", ".*"), text))


fragments = st.sampled_from(
    [
        "a",
        "b",
        ".",
        "*",
        "+",
        "?",
        "|",
        "(",
        ")",
        "[ab]",
        "[^a]",
        "^",
        "$",
        r"\b",
        r"\w",
        "(?=",
        "(?!",
        "{1,2}",
        "(?<=a)",
    ]
)


@thorough
@given(st.lists(fragments, min_size=1, max_size=7).map("".join), st.text("abc ", max_size=6))
def test_a_pattern_matches_where_pythons_own_matcher_does(pattern: str, text: str) -> None:
    try:
        expected = re.compile(pattern)
        found = machine(pattern, "").search(text)
    except (re.error, PatternError):
        return
    assert found == bool(expected.search(text))


words = ["SELECT", "VALUE", "FROM", "WHERE", "c", "c.a", "(", ")", "[", "]", "{", "}", ",", "=", "AND", "NOT", "IN"]
words += ["1", "'x'", "@p", "JOIN", "ORDER", "GROUP", "BY", "TOP", "COUNT", "EXISTS", "ARRAY", "AS", "*", ".", "?", ":"]


@thorough
@given(st.lists(st.sampled_from(words), max_size=14))
def test_any_text_either_compiles_or_is_refused_with_a_place_inside_it(parts: list[str]) -> None:
    text = " ".join(["SELECT", *parts])
    refused = None
    try:
        compile_query(text).run([{"a": [1]}], {"@p": 1}, NOW)
    except QueryError as error:
        refused = error
    assert refused is None or 0 <= refused.start <= refused.end <= len(text)


@pytest.mark.parametrize("text", ["SELECT 1", "SELECT * FROM c WHERE c.a IN (1, 2) ORDER BY c.b OFFSET 0 LIMIT 1"])
def test_a_query_cut_short_never_fails_in_another_way_than_a_query_error(text: str) -> None:
    for length in range(len(text)):
        with contextlib.suppress(QueryError):
            compile_query(text[:length]).run([], {}, NOW)
