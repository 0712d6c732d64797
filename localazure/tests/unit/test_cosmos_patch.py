"""Patch operations, one by one."""

from __future__ import annotations

import pytest
from localazure.cosmos import patch
from localazure.cosmos.errors import BadRequest

DOCUMENT = {"id": "1", "n": 1, "f": 1.5, "tags": ["a", "b", "c"], "o": {"p": {"q": 1}}, "s": "x"}
NO_VALUE = object()


def op(kind, path, value=NO_VALUE, **more):
    return {"op": kind, "path": path, **({} if value is NO_VALUE else {"value": value}), **more}


@pytest.mark.parametrize(
    ("operation", "changed"),
    [
        (op("add", "/tags/0", "z"), {"tags": ["z", "a", "b", "c"]}),
        (op("add", "/tags/3", "z"), {"tags": ["a", "b", "c", "z"]}),
        (op("add", "/tags/-", "z"), {"tags": ["a", "b", "c", "z"]}),
        (op("set", "/tags/1", "z"), {"tags": ["a", "z", "c"]}),
        (op("set", "/tags/3", "z"), {"tags": ["a", "b", "c", "z"]}),
        (op("replace", "/tags/1", "z"), {"tags": ["a", "z", "c"]}),
        (op("remove", "/tags/1"), {"tags": ["a", "c"]}),
        (op("add", "/s", None), {"s": None}),
        (op("set", "/o/p/r", 2), {"o": {"p": {"q": 1, "r": 2}}}),
        (op("incr", "/n", -2), {"n": -1}),
        (op("incr", "/f", 0.5), {"f": 2}),
        (op("incr", "/new", 5), {"new": 5}),
        (op("move", "/tags/0", **{"from": "/tags/2"}), {"tags": ["c", "a", "b"]}),
        (op("move", "/moved", **{"from": "/o/p"}), {"o": {}, "moved": {"q": 1}}),
    ],
)
def test_an_operation_changes_its_target(operation, changed):
    assert patch.apply(DOCUMENT, [operation]) == {**DOCUMENT, **changed}


@pytest.mark.parametrize(
    "operation",
    [
        op("add", "/tags/4", "z"),
        op("add", "/tags/x", "z"),
        op("add", "/tags/01x", "z"),
        op("set", "/tags/4", "z"),
        op("replace", "/tags/3", "z"),
        op("replace", "/tags/-", "z"),
        op("remove", "/tags/3"),
        op("remove", "/none"),
        op("replace", "/none", 1),
        op("add", "/none/x", 1),
        op("add", "/s/x", 1),
        op("incr", "/s", 1),
        op("incr", "/n", "1"),
        op("incr", "/n", True),
        op("incr", "/tags/9", 1),
        op("incr", "/f", 10**400),
        op("incr", "/n", 10**400),
        op("move", "/o/p/q/r", **{"from": "/o/p"}),
        op("move", "/x", **{"from": "/none"}),
        op("add", "/x"),
        op("add", "x", 1),
        op("add", "/", 1),
        op("copy", "/x", 1),
    ],
)
def test_an_operation_that_makes_no_sense_is_refused(operation):
    with pytest.raises(BadRequest):
        patch.apply(DOCUMENT, [operation])


def test_the_given_document_is_never_changed():
    before = repr(DOCUMENT)
    patch.apply(DOCUMENT, [op("add", "/tags/-", "z"), op("remove", "/o/p")])
    assert repr(DOCUMENT) == before


def test_a_value_that_was_put_in_is_not_shared():
    value = {"deep": []}
    patched = patch.apply(DOCUMENT, [op("set", "/a", value), op("add", "/a/deep/-", 1)])
    assert value == {"deep": []}
    assert patched["a"] == {"deep": [1]}


@pytest.mark.parametrize("operations", [None, [], [op("set", "/a", 1)] * 11, ["text"], [op("set", "/a/b", 1)]])
def test_the_number_and_targets_of_operations_are_checked(operations):
    with pytest.raises(BadRequest):
        patch.check_operations(operations, (("a", "b"),))
