"""The HTTP app again with keys asked for, a small body limit, no prefix and a limit of outstanding requests."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest


@pytest.fixture(scope="module")
def strict(module_hosts: Any) -> Any:
    return module_hosts.start(
        "http",
        "--enable-auth",
        state="strict",
        FUNCTIONS_MASTER_KEY="master",
        FUNCTIONS_HOST_KEY="host",
        FUNCTIONS_KEY_echo="only-echo",
        FUNCTIONS_REQUEST_BODY_SIZE_LIMIT="1000",
        AzureFunctionsJobHost__extensions__http__routePrefix="",
        AzureFunctionsJobHost__extensions__http__maxOutstandingRequests="2",
        AzureWebJobsDisableHomepage="true",
    )


@pytest.mark.parametrize(
    ("key", "status"), [(None, 401), ("wrong", 401), ("only-echo", 200), ("host", 200), ("master", 200)]
)
async def test_h043_function_level_needs_a_key(strict, http, key, status) -> None:
    headers = {"x-functions-key": key} if key else {}
    async with http.get(f"{strict.url}/echo", headers=headers) as by_header:
        assert by_header.status == status
    async with http.get(f"{strict.url}/echo", params={"code": key} if key else {}) as by_query:
        assert by_query.status == status


async def test_h043_key_of_any_bytes_is_just_wrong(strict) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(strict.url.rpartition(":")[2]))
    writer.write(b"GET /echo HTTP/1.1\r\nHost: a\r\nx-functions-key: \xff\xfe\r\nConnection: close\r\n\r\n")
    assert (await reader.readline()).split()[1] == b"401"
    writer.close()


async def test_h043_anonymous_level_needs_none(strict, http) -> None:
    async with http.get(f"{strict.url}/open") as response:
        assert response.status == 200


@pytest.mark.parametrize(("key", "status"), [("only-echo", 401), ("host", 401), ("master", 200)])
async def test_h044_only_the_master_key_opens_admin(strict, http, key, status) -> None:
    for path in ("renamed", "admin/functions"):
        async with http.get(f"{strict.url}/{path}", headers={"x-functions-key": key}) as response:
            assert response.status == status


async def test_h029_empty_prefix_serves_at_the_root(strict, http) -> None:
    async with http.get(f"{strict.url}/api/open") as response:
        assert response.status == 404


@pytest.mark.parametrize(("size", "status"), [(1000, 200), (1001, 413)])
async def test_h046_body_above_the_limit_is_refused(strict, http, size, status) -> None:
    async with http.post(f"{strict.url}/echo?code=host", data=b"x" * size) as response:
        assert response.status == status


async def test_h049_home_page_can_be_switched_off(strict, http) -> None:
    async with http.get(f"{strict.url}/") as response:
        assert response.status == 204


async def test_requests_above_the_limit_of_outstanding_ones_are_refused(strict, http) -> None:
    async def status() -> int:
        async with http.get(f"{strict.url}/slow?seconds=0.5&code=host") as response:
            return response.status

    assert sorted(await asyncio.gather(*(status() for _ in range(3)))) == [200, 200, 429]
