"""Routes with constraints, defaults and mixed segments, over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

# What is accepted and what is rejected by each constraint, in the order of the fixture app.
SAMPLES = [
    ("-5", "5.5"),
    ("9999999999", "99999999999999999999"),
    ("True", "yes"),
    ("2026-01-31", "2026-13-31"),
    ("1.5", "one"),
    ("1e3", "x"),
    ("-1.5", "1.5.5"),
    ("CD2C1638-1638-72D5-1638-DEADBEEF1638", "CD2C1638"),
    ("abcXYZ", "abc1"),
    ("3", "2"),
    ("3", "4"),
    ("4", "5"),
    ("abc", "ab"),
    ("ab", "a"),
    ("ab", "a"),
    ("ab", "abc"),
    ("AAB", "ba"),
    ("x", None),
    ("1", "0"),
]


@pytest.fixture(scope="module")
def host(module_hosts: Any) -> Any:
    return module_hosts.start("routes")


@pytest.mark.parametrize(("number", "accepted", "rejected"), [(n, *pair) for n, pair in enumerate(SAMPLES)])
async def test_h033_constraint_accepts_and_rejects_a_sample(host, http, number, accepted, rejected) -> None:
    async with http.get(f"{host.url}/api/{number}/{accepted}") as response:
        assert (response.status, await response.text()) == (200, accepted)
    async with http.get(f"{host.url}/api/{number}/{rejected or ''}") as response:
        assert (response.status, await response.read()) == (404, b"")


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("mixed/file-7.gz", 200, "7 gz"),
        ("mixed/file-7.tar.gz", 404, ""),
        ("mixed/file-x.gz", 404, ""),
        ("default", 200, "small"),
        ("default/large", 200, "large"),
        ("deep", 200, "nothing"),
        ("deep/a/b", 200, "a/b"),
    ],
)
async def test_segments_with_defaults_and_several_parts(host, http, path, status, text) -> None:
    async with http.get(f"{host.url}/api/{path}") as response:
        assert (response.status, await response.text()) == (status, text)
