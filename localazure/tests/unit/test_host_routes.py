"""Route templates and their constraints."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from localazure.host.errors import IndexingError
from localazure.host.http.routes import path_segments
from localazure.host.http.templates import RouteTemplate


def _match(template: str, path: str) -> dict[str, str] | None:
    return RouteTemplate(template).match(path_segments(path))


@pytest.mark.parametrize(
    ("template", "path", "expected"),
    [
        ("api/orders", "/API/Orders/", {}),
        ("api/orders", "/api/orders/1", None),
        ("api/{id}", "/api/a%20b", {"id": "a b"}),
        ("api/{id}", "/api", None),
        ("api/{id?}", "/api", {}),
        ("api/{a}/{b?}", "/api/1", {"a": "1"}),
        ("api/{size=10}", "/api", {"size": "10"}),
        ("api/{size=10}", "/api/20", {"size": "20"}),
        ("api/{*rest}", "/api/a/b/c", {"rest": "a/b/c"}),
        ("api/{**rest}", "/api", {}),
        ("{*route}", "/", {}),
        ("api/file-{id}.txt", "/api/file-7.txt", {"id": "7"}),
        ("api/file-{id}.txt", "/api/file-7.csv", None),
        ("api/{a}-{b}", "/api/1-2", {"a": "1", "b": "2"}),
        ("api/{id:int:min(2)}", "/api/2", {"id": "2"}),
        ("api/{id:int:min(2)}", "/api/1", None),
        ("api/{{literal}}", "/api/{literal}", {}),
        ("api/{path}", "/api/a%2Fb", {"path": "a/b"}),
        ("api/{id}", "http://somewhere/api/7", {"id": "7"}),
    ],
)
def test_template_matches_path(template, path, expected) -> None:
    assert _match(template, path) == expected


@pytest.mark.parametrize(
    ("constraint", "accepted", "rejected"),
    [
        ("int", "-5", "5.0"),
        ("int", "2147483647", "2147483648"),
        ("long", "9223372036854775807", "9223372036854775808"),
        ("bool", "TRUE", "yes"),
        ("datetime", "2026-01-31T10:00", "tomorrow"),
        ("datetime", "01/31/2026", "31-31-2026"),
        ("decimal", "1,000.50", "x"),
        ("double", "1e5", "one"),
        ("float", "-0.5", "-"),
        ("guid", "b7a1f8f0-9a3c-4a3e-8c39-6d2c3f0a1b2c", "b7a1f8f0"),
        ("alpha", "abcXYZ", "abc1"),
        ("min(3)", "3", "2"),
        ("max(3)", "3", "4"),
        ("range(1,5)", "5", "6"),
        ("length(3)", "abc", "ab"),
        ("length(2,3)", "abc", "abcd"),
        ("minlength(2)", "ab", "a"),
        ("maxlength(2)", "ab", "abc"),
        (r"regex(^\d{{3}}-[a-z]+$)", "123-ab", "12-ab"),
        ("required", "x", None),
    ],
)
def test_h033_constraint_accepts_and_rejects(constraint, accepted, rejected) -> None:
    template = f"v/{{value:{constraint}}}"
    assert _match(template, f"/v/{quote(accepted, safe='')}") == {"value": accepted}
    assert rejected is None or _match(template, f"/v/{quote(rejected, safe='')}") is None


@pytest.mark.parametrize(
    "template",
    ["{id:integer}", "{id:min(x)}", "{id:regex([)}", "{id", "{*rest}/more", "{}", "{id:range(1)}", "{id}/of/{ID}"],
)
def test_template_that_cannot_work_is_refused(template) -> None:
    with pytest.raises(IndexingError):
        RouteTemplate(template)


def test_constraint_may_hold_slashes_and_colons() -> None:
    assert _match("v/{value:regex(^a:b/?$)}", "/v/a:b") == {"value": "a:b"}
