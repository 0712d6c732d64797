"""What the store and the HTTP layer rely on beside the rows themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from localazure.cosmos.query import UNDEFINED, Bounds, QueryError, compile_query
from localazure.cosmos.query.intervals import ALWAYS
from localazure.cosmos.query.lexer import MAX_TEXT_BYTES

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def equalities(condition: str, **parameters: Any) -> dict[tuple[str, ...], list[Any]]:
    query = compile_query(f"SELECT * FROM c WHERE {condition}")
    return query.equalities({f"@{name}": value for name, value in parameters.items()})


def endless() -> Iterator[dict[str, Any]]:
    number = 0
    while True:
        yield {"id": str(number), "n": number}
        number += 1


@pytest.mark.parametrize(
    "text",
    [
        "SELECT * FROM c",
        "SELECT TOP 1 c.id FROM c WHERE c.n > 1 OFFSET 1 LIMIT 1",
        "SELECT VALUE t FROM c JOIN t IN c.tags",
        "SELECT VALUE (SELECT VALUE COUNT(1) FROM t IN c.tags) FROM c",
        "SELECT VALUE ARRAY(SELECT DISTINCT VALUE t FROM t IN c.tags ORDER BY t) FROM c",
        "SELECT * FROM (SELECT VALUE c.a FROM c) AS a",
    ],
)
def test_a_query_whose_documents_are_independent_is_streaming(text: str) -> None:
    assert compile_query(text).is_streaming


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1",
        "SELECT * FROM c ORDER BY c.n",
        "SELECT DISTINCT c.n FROM c",
        "SELECT COUNT(1) FROM c",
        "SELECT c.n FROM c GROUP BY c.n",
        "SELECT * FROM (SELECT TOP 1 * FROM c) AS a",
        "SELECT * FROM (SELECT * FROM c ORDER BY c.n) AS a",
        "SELECT * FROM (SELECT COUNT(1) FROM c) AS a",
    ],
)
def test_a_query_that_needs_all_documents_is_not_streaming(text: str) -> None:
    assert not compile_query(text).is_streaming


@pytest.mark.parametrize("text", ["SELECT TOP 3 VALUE c.n FROM c", "SELECT VALUE c.n FROM c OFFSET 0 LIMIT 3"])
def test_no_more_documents_are_read_than_the_bounds_need(text: str) -> None:
    assert compile_query(text).run(endless(), {}, NOW) == [0, 1, 2]


def test_distinct_rows_are_delivered_without_reading_on() -> None:
    assert compile_query("SELECT DISTINCT TOP 2 VALUE c.n % 5 FROM c").run(endless(), {}, NOW) == [0, 1]


def test_bounds_come_from_literals_and_parameters() -> None:
    query = compile_query("SELECT TOP 5 * FROM c OFFSET @o LIMIT @l")
    assert query.bounds({"@o": 2, "@l": 3.0}) == Bounds(top=5, offset=2, limit=3)
    assert compile_query("SELECT * FROM c").bounds({}) == Bounds(top=None, offset=0, limit=None)


def test_rows_leave_the_bounds_to_the_caller() -> None:
    query = compile_query("SELECT TOP 1 VALUE t FROM c JOIN t IN c.tags")
    assert query.rows({"tags": [1, 2, 3]}, {}, NOW) == [1, 2, 3]


def test_a_parameter_without_a_value_is_undefined() -> None:
    query = compile_query("SELECT VALUE IS_DEFINED(@p)")
    assert query.run([], {"@p": UNDEFINED}, NOW) == [False]


def test_a_missing_parameter_is_noticed_by_every_entry() -> None:
    query = compile_query("SELECT * FROM c WHERE c.id = @id")
    for call in (
        lambda: query.bounds({}),
        lambda: query.equalities({}),
        lambda: query.rows({"id": "1"}, {}, NOW),
        lambda: query.run([], {}, NOW),
        lambda: query.matches({}, {}, NOW),
    ):
        with pytest.raises(QueryError) as caught:
            call()
        assert (caught.value.code, caught.value.start, caught.value.end) == ("SC2001", 29, 32)


def test_a_missing_bound_of_a_subquery_is_noticed_by_rows() -> None:
    query = compile_query("SELECT VALUE ARRAY(SELECT TOP @n VALUE t FROM t IN c.tags) FROM c")
    with pytest.raises(QueryError, match="'@n' is not declared"):
        query.rows({"tags": [1]}, {}, NOW)


def test_a_patch_condition_is_decided_for_one_document() -> None:
    query = compile_query("SELECT * " + "from c where c.n = 1")
    assert query.matches({"n": 1}, {}, NOW)
    assert not query.matches({"n": 2}, {}, NOW)
    assert not query.matches({}, {}, NOW)
    assert compile_query("SELECT * FROM c").matches({}, {}, NOW)


def test_the_same_text_is_compiled_once() -> None:
    assert compile_query("SELECT 1 AS once") is compile_query("SELECT 1 AS once")


def test_running_a_query_leaves_documents_as_they_were() -> None:
    document = {"id": "1", "tags": [3, 1], "o": {"a": 1}}
    before = json.dumps(document)
    compile_query("SELECT ARRAY(SELECT VALUE t FROM t IN c.tags ORDER BY t), SetUnion(c.tags, [1]) FROM c").run(
        [document], {}, NOW
    )
    assert json.dumps(document) == before


def test_an_equality_with_a_literal_or_parameter_is_reported_either_way_round() -> None:
    assert equalities("c.id = '1'") == {("id",): ["1"]}
    assert equalities("@id = c.id", id="2") == {("id",): ["2"]}
    assert equalities("c['a'].b = null") == {("a", "b"): [None]}


def test_all_equalities_of_a_conjunction_are_reported() -> None:
    assert equalities("c.id = '1' AND c.n > 3 AND (c.pk = @p AND true)", p=5) == {("id",): ["1"], ("pk",): [5]}


def test_in_reports_its_members() -> None:
    assert equalities("c.id IN ('1', @b, '1')", b="2") == {("id",): ["1", "2"]}


def test_the_shorter_of_two_lists_for_one_path_is_reported() -> None:
    assert equalities("c.id IN ('1', '2') AND c.id = '3'") == {("id",): ["3"]}


def test_ored_pairs_report_the_union_per_path() -> None:
    condition = "( (c.id = @id0 AND c.pk = @pk0) OR (c.id = @id1 AND c.pk = @pk1) )"
    found = equalities(condition, id0="1", pk0="a", id1="2", pk1="a")
    assert found == {("id",): ["1", "2"], ("pk",): ["a"]}


def test_a_branch_without_the_path_makes_it_unknown() -> None:
    assert equalities("c.id = '1' OR c.n = 2") == {}
    assert equalities("(c.id = '1' AND c.n = 1) OR c.n = 2") == {("n",): [1, 2]}


@pytest.mark.parametrize(
    "condition",
    ["c.id != '1'", "NOT (c.id = '1')", "c.id NOT IN ('1')", "c.id = c.pk", "c.a[0] = 1", "c = 1", "c.o = @o", "true"],
)
def test_conditions_that_no_look_up_can_answer_report_nothing(condition: str) -> None:
    assert equalities(condition, **({"o": {"a": 1}} if "@o" in condition else {})) == {}


def test_equality_with_undefined_can_match_nothing() -> None:
    assert equalities("c.id = undefined") == {("id",): []}
    assert equalities("c.id = @p", p=UNDEFINED) == {("id",): []}


def test_equalities_of_elements_are_not_reported_as_those_of_documents() -> None:
    for text in (
        "SELECT * FROM t IN c.tags WHERE t.id = '1'",
        "SELECT * FROM c.child AS t WHERE t.id = '1'",
        "SELECT * FROM (SELECT c.id FROM c) AS t WHERE t.id = '1'",
        "SELECT VALUE c FROM c JOIN c IN c.tags WHERE c.id = '1'",
    ):
        assert compile_query(text).equalities({}) == {}


def test_equalities_of_the_document_are_reported_beside_a_join() -> None:
    query = compile_query("SELECT VALUE t FROM c JOIN t IN c.tags WHERE c.id = '1' AND t.id = '2'")
    assert query.equalities({}) == {("id",): ["1"]}


def test_an_error_is_rendered_as_the_message_of_the_service() -> None:
    with pytest.raises(QueryError) as caught:
        compile_query("SELECT VALUE c.id FRM c")
    assert caught.value.to_message() == (
        'Message: {"errors":[{"severity":"Error","location":{"start":18,"end":21},'
        '"code":"SC1001","message":"Syntax error near \'FRM\'."}]}'
    )


def test_a_text_of_512_kb_is_accepted_and_a_longer_one_is_refused() -> None:
    longest = "SELECT '" + "x" * (MAX_TEXT_BYTES - 9) + "'"
    assert len(compile_query(longest).run([], {}, NOW)) == 1
    with pytest.raises(QueryError):
        compile_query(longest + " ")


def test_bytes_and_not_characters_are_limited() -> None:
    with pytest.raises(QueryError):
        compile_query("SELECT '" + "é" * (MAX_TEXT_BYTES // 2) + "'")


def test_a_thousand_ored_pairs_compile_and_run() -> None:
    pairs = " OR ".join(f"(c.id = @id{number} AND c.pk = 'p')" for number in range(1000))
    parameters = {f"@id{number}": str(number) for number in range(1000)}
    query = compile_query(f"SELECT VALUE c.id FROM c WHERE {pairs}")
    assert query.run([{"id": "999", "pk": "p"}, {"id": "5", "pk": "q"}], parameters, NOW) == ["999"]
    assert len(query.equalities(parameters)["id",]) == 1000


@pytest.mark.parametrize(
    ("head", "repeated", "tail"),
    [
        ("SELECT ", "(", "1"),
        ("SELECT ", "[", "1"),
        ("SELECT ", "ABS(", "1"),
        ("SELECT ", "NOT ", "true"),
        ("SELECT ", "- ", "1"),
        ("SELECT 1", " = 1", ""),
        ("SELECT ", "true ? 1 : ", "1"),
        ("SELECT ", "(SELECT VALUE ", "1"),
        ("SELECT 1 FROM ", "(SELECT 1 FROM ", "c"),
    ],
)
def test_nesting_without_end_is_refused(head: str, repeated: str, tail: str) -> None:
    with pytest.raises(QueryError, match="nested too deeply"):
        compile_query(head + repeated * 5000 + tail)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT VALUE " + "[" * 90 + "]" * 90,
        "SELECT VALUE " + "ABS(" * 90 + "1" + ")" * 90,
        "SELECT VALUE " + "(SELECT VALUE COUNT(" * 15 + "1" + "))" * 15,
        "SELECT VALUE x FROM " + "(SELECT VALUE x FROM " * 30 + "x" + ") x" * 30,
        "SELECT VALUE 1" + " + 1" * 10_000,
    ],
)
def test_nesting_within_reason_and_length_without_nesting_work(text: str) -> None:
    assert len(compile_query(text).run([{}], {}, NOW)) == 1


def test_a_search_beyond_the_budget_is_given_up_and_undefined() -> None:
    text = "a" * 200_000
    assert compile_query("SELECT VALUE RegexMatch(@t, '(a|a)*b')").run([], {"@t": text}, NOW) == []


@pytest.mark.parametrize(
    ("query", "documents", "rows"),
    [
        ("SELECT c._ts, c._etag FROM c", [{"id": "1", "_ts": 5, "_etag": '"e"'}], [{"_ts": 5, "_etag": '"e"'}]),
        ("SELECT VALUE DocumentId(c) FROM c", [{"_rid": "Xk0YAIwBzhICAQAAAAAAAA=="}, {}, {"_rid": "???"}], [258]),
        (
            "SELECT c.id, COUNT(1) AS n FROM c GROUP BY c",
            [{"id": "1"}, {"id": "2"}, {"id": "1"}],
            [{"id": "1", "n": 2}, {"id": "2", "n": 1}],
        ),
    ],
)
def test_whole_documents_and_their_system_properties_are_values_like_others(
    query: str, documents: list[dict[str, Any]], rows: list[Any]
) -> None:
    assert compile_query(query).run(documents, {}, NOW) == rows


def test_an_empty_text_is_no_query() -> None:
    with pytest.raises(QueryError) as caught:
        compile_query("")
    assert (caught.value.code, caught.value.start, caught.value.end) == ("SC1001", 0, 0)


@pytest.mark.parametrize(
    ("condition", "interval"),
    [
        ("c._ts >= 5", (5, None)),
        ("c._ts > @n AND c.x = 1", (7, None)),
        ("@n <= c._ts AND 9.5 > c._ts", (7, 10)),
        ("c._ts = 5", (5, 5)),
        ("c._ts BETWEEN 5 AND 9", (5, 9)),
        ("c._ts > 5 OR c._ts = 3", (3, None)),
        ("c._ts > 5 OR c.x = 1", (None, None)),
        ("NOT c._ts > 5", (None, None)),
        ("c._ts != 5", (None, None)),
        ("c._ts > 'x'", (None, None)),
        ("c._ts > c.x", (None, None)),
        ("c.x._ts > 5", (None, None)),
        ("c._ts > 1e300", (None, None)),
    ],
)
def test_a_condition_says_when_a_document_can_have_been_written(
    condition: str, interval: tuple[int | None, int | None]
) -> None:
    low, high = compile_query(f"SELECT * FROM c WHERE {condition}").written({"@n": 7})
    least, greatest = ALWAYS
    assert (None if low == least else low, None if high == greatest else high) == interval


def test_an_alias_that_is_no_whole_document_says_nothing_about_when_it_was_written() -> None:
    for source in ("c.a c", "c IN x.list", "c JOIN c IN c.list", "(SELECT VALUE 1) AS c"):
        assert compile_query(f"SELECT VALUE 1 FROM {source} WHERE c._ts > 5").written({}) == ALWAYS


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT VALUE COUNT(1) FROM c", True),
        ("SELECT VALUE COUNT(c) FROM c", True),
        ("SELECT VALUE COUNT(r) FROM root r", True),
        ("SELECT VALUE COUNT(undefined) FROM c", False),
        ("SELECT VALUE COUNT(c.x) FROM c", False),
        ("SELECT COUNT(1) FROM c", False),
        ("SELECT VALUE COUNT(1) FROM c WHERE c.x", False),
        ("SELECT VALUE COUNT(1) FROM c JOIN x IN c.list", False),
        ("SELECT VALUE COUNT(1) FROM x IN c.list", False),
        ("SELECT VALUE COUNT(1) FROM c GROUP BY c.x", False),
        ("SELECT TOP 0 VALUE COUNT(1) FROM c", False),
        ("SELECT VALUE COUNT(1)", False),
        ("SELECT VALUE SUM(1) FROM c", False),
    ],
)
def test_a_query_that_only_counts_documents_is_recognised(query: str, expected: bool) -> None:
    assert compile_query(query).only_counts == expected
