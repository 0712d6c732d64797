"""Paths of blob triggers, and paths and queries that are filled from a trigger's data."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from localazure.host.blob_paths import BlobPattern, split_path
from localazure.host.expressions import fill_all

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("path", "name", "expected"),
    [
        ("samples", "any/thing", {}),
        ("samples/", "x", {}),
        ("samples/{name}.txt", "a.b.txt", {"name": "a.b"}),
        ("samples/{name}.txt", "a.TXT", None),
        ("samples/{name}.txt", "a.csv", None),
        ("samples/{name}.{ext}", "a.b.c", {"name": "a.b", "ext": "c"}),
        ("samples/{a}-{b}-{c}", "1-2-3-4", {"a": "1-2", "b": "3", "c": "4"}),
        ("samples/in/{name}", "in/deep/er", {"name": "deep/er"}),
        ("samples/in/{name}", "out/x", None),
        ("samples/fixed.txt", "fixed.txt", {}),
        ("samples/{{x}}-{name}", "{x}-1", {"name": "1"}),
        ("$web/{name}", "index.html", {"name": "index.html"}),
    ],
)
def test_h082_pattern_matches_names(path, name, expected) -> None:
    assert BlobPattern.parse(path).match(name) == expected


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("", "Invalid container name ''"),
        ("Samples/x", "Invalid container name 'Samples'"),
        ("a--b/x", "Invalid container name"),
        ("{container}/x", "Invalid container name"),
        ("samples/{name", "has no counterpart"),
        ("samples/name}", "has no counterpart"),
        ("samples/{}", "the parameter name ''"),
        ("samples/{a}/{a}", "'a' is invalid or used twice"),
        ("samples/{a b}", "the parameter name 'a b'"),
    ],
)
def test_path_that_cannot_work_is_refused(path, problem) -> None:
    with pytest.raises(ValueError, match=problem.replace("{", r"\{")):
        BlobPattern.parse(path)


def test_path_of_one_blob_has_a_container_and_a_name() -> None:
    assert split_path("/files/a/b.txt") == ("files", "a/b.txt")
    for path in ("files", "files/", "FILES/x", ""):
        with pytest.raises(ValueError, match="is not the path of a blob"):
            split_path(path)


def test_data_of_a_trigger_becomes_a_parameter_of_a_query_and_never_a_part_of_it() -> None:
    query = "SELECT * FROM c WHERE c.name = {name} AND c.x = {Query.x}"
    values = {"name": "' OR 1=1 --", "Query": {"x": "5"}}
    filled = fill_all({"sqlQuery": query, "databaseName": "d-{name}", "flag": True}, values, NOW)
    assert filled == {
        "sqlQuery": "SELECT * FROM c WHERE c.name = @name AND c.x = @Query_x",
        "sqlParameters": [{"name": "@name", "value": "' OR 1=1 --"}, {"name": "@Query_x", "value": "5"}],
        "databaseName": "d-' OR 1=1 --",
        "flag": True,
    }
