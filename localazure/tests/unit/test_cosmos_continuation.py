"""Continuation tokens, and pages of a query while its documents change between them."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from localazure.cosmos import continuation
from localazure.cosmos.continuation import MAX_TOKEN_BYTES, START, Position
from localazure.cosmos.errors import BadRequest
from localazure.cosmos.query import Place
from localazure.cosmos.query_feed import PageRequest, first_needed, page_of, parse_question

NOW = datetime(2026, 1, 1, tzinfo=UTC)
QUERIES = [
    "SELECT VALUE c.id FROM c WHERE c.n != 1",
    "SELECT VALUE [c.id, t] FROM c JOIN t IN c.tags",
    "SELECT VALUE [c.n, c.id] FROM c ORDER BY c.n",
    "SELECT VALUE [c.n, c.id] FROM c ORDER BY c.n DESC, c.id",
    "SELECT VALUE [t, c.id] FROM c JOIN t IN c.tags ORDER BY t DESC",
    "SELECT DISTINCT VALUE c.n FROM c",
    "SELECT DISTINCT VALUE c.n FROM c ORDER BY c.n DESC",
    "SELECT c.n, COUNT(1) AS count FROM c GROUP BY c.n",
]
BOUNDS = ["", " OFFSET 2 LIMIT 5", " OFFSET 0 LIMIT 3", " OFFSET 3 LIMIT 100"]

checked = settings(deadline=None, derandomize=True, max_examples=60)
numbers = st.none() | st.booleans() | st.integers(0, 3) | st.sampled_from([0.5, "a", "b", [1], {"x": 1}])
stored = st.lists(
    st.fixed_dictionaries({}, optional={"n": numbers, "tags": st.lists(st.integers(0, 2), max_size=3)}), max_size=9
)


class Shelf:
    """Documents under their creation numbers, and the pages of queries over them."""

    def __init__(self, documents: list[dict[str, Any]]) -> None:
        self.documents: dict[int, dict[str, Any]] = {}
        self.created = 0
        for document in documents:
            self.create(document)

    def create(self, document: dict[str, Any]) -> None:
        self.created += 1
        self.documents[self.created] = {"id": str(self.created), **document}

    def page(self, query: str, token: str, size: int) -> tuple[list[Any], str]:
        question = parse_question(json.dumps({"query": query}).encode())
        position = continuation.decode(token, question.fingerprint)
        least = first_needed(question.query, position)
        candidates = [(number, json.dumps(one)) for number, one in sorted(self.documents.items()) if number >= least]
        page = page_of(PageRequest(question, position, size, NOW), candidates)
        token = continuation.encode(page.next, question.fingerprint) if page.next else ""
        return [json.loads(row) for row in page.rows], token

    def rows(self, query: str, size: int = 1000) -> list[Any]:
        found, token = self.page(query, "", size)
        while token:
            more, token = self.page(query, token, size)
            found += more
        return found


@checked
@given(stored, st.sampled_from(QUERIES), st.sampled_from(BOUNDS), st.integers(1, 4))
def test_pages_of_any_size_add_up_to_the_whole_answer(
    documents: list[dict[str, Any]], query: str, bounds: str, size: int
) -> None:
    text = query if "GROUP BY" in query and bounds else query + bounds
    shelf = Shelf(documents)
    assert shelf.rows(text, size) == shelf.rows(text)


@checked
@given(stored, stored, st.sampled_from(QUERIES[:5]), st.integers(1, 4), st.integers(1, 9))
def test_creates_and_deletes_between_pages_neither_repeat_nor_hide_a_row(
    documents: list[dict[str, Any]], more: list[dict[str, Any]], query: str, size: int, victim: int
) -> None:
    shelf = Shelf(documents)
    before = shelf.rows(query)
    seen, token = shelf.page(query, "", size)
    for document in more:
        shelf.create(document)
    shelf.documents.pop(victim, None)
    while token:
        rows, token = shelf.page(query, token, size)
        seen += rows
    as_texts = [json.dumps(row) for row in seen]
    assert len(as_texts) == len(set(as_texts)) or "JOIN" in query
    still_there = [row for row in before if row in shelf.rows(query)]
    assert [row for row in seen if row in still_there] == still_there


@pytest.mark.parametrize("query", QUERIES[5:])
def test_a_row_of_distinct_values_or_groups_does_not_come_again_when_others_vanish(query: str) -> None:
    shelf = Shelf([{"n": number} for number in (3, 3, 1, 2, 0)])
    values = [row["n"] if isinstance(row, dict) else row for row in shelf.rows(query)]
    rows, token = shelf.page(query, "", 2)
    del shelf.documents[2]
    shelf.create({"n": values[0]})
    rows += shelf.page(query, token, 100)[0]
    assert [row["n"] if isinstance(row, dict) else row for row in rows] == values


def test_a_token_round_trips_a_place_of_any_type() -> None:
    keys = ((0, 0), (1, 0), (2, 0), (3, 0), (4, 2**60), (4, -1.5), (5, "é\ud800"), (6, 0), (7, 0))
    position = Position(Place(keys, 7, 2), 9)
    token = continuation.encode(position, "question")
    assert token.isascii()
    assert "\n" not in token
    assert continuation.decode(token, "question") == position
    assert continuation.decode("", "question") == START


def test_a_sort_key_that_is_too_long_for_a_token_is_replaced_by_a_count() -> None:
    token = continuation.encode(Position(Place(((5, "x" * MAX_TOKEN_BYTES),), 7, 0), 3), "question")
    assert len(token) < MAX_TOKEN_BYTES
    assert continuation.decode(token, "question") == Position(None, 3)
    shelf = Shelf([{"n": f"{number}{'x' * MAX_TOKEN_BYTES}"} for number in range(5)])
    query = "SELECT VALUE c.id FROM c ORDER BY c.n DESC"
    assert shelf.rows(query, 2) == ["5", "4", "3", "2", "1"]


@pytest.mark.parametrize(
    "state",
    [[], {}, [1], [1, 0], [1, 0, []], [0, 0, [[9, 1]], 1, 0], [0, 0, [[4, "x"]], 1, 0], [0, 0, [[4]], 1, 0]],
)
def test_a_token_that_was_tampered_with_is_refused(state: Any) -> None:
    with pytest.raises(BadRequest):
        continuation.decode(continuation._text(state), "question")


@pytest.mark.parametrize("text", ["[" * 9999, "[Infinity,0]", "[1e999,0]", '"ab"', "{}", "1"])
def test_a_token_that_is_no_list_of_numbers_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        continuation.decode(base64.b64encode(text.encode()).decode(), "question")


def test_a_token_of_another_question_is_refused() -> None:
    token = continuation.encode(Position(None, 3), "one question")
    with pytest.raises(BadRequest):
        continuation.decode(token, "another question")
