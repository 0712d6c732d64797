"""Requests and responses, as clients of the public listener see them."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

SOURCE = (Path(__file__).parents[2] / "apps" / "http" / "function_app.py").read_text()


@pytest.fixture(scope="module")
def host(module_hosts: Any) -> Any:
    return module_hosts.start("http", **{"AzureWebJobs.switched_off.Disabled": "true"})


async def _echo(http: aiohttp.ClientSession, url: str, method: str = "GET", **options: Any) -> dict[str, Any]:
    async with http.request(method, url, **options) as response:
        assert response.status == 200, await response.text()
        return json.loads(await response.text())


async def test_h028_function_without_route_is_at_its_name(host, http) -> None:
    async with http.get(f"{host.url}/api/unrouted") as response:
        assert (response.status, await response.text()) == (200, "no route of its own")


@pytest.mark.parametrize(
    ("path", "expected"), [("orders/5", {"id": "5"}), ("orders/-7/", {"id": "-7"}), ("ORDERS/5", {"id": "5"})]
)
async def test_h030_route_value_reaches_the_function_as_text(host, http, path, expected) -> None:
    assert await _echo(http, f"{host.url}/api/{path}") == expected


async def test_h030_value_that_fails_its_constraint_is_not_found(host, http) -> None:
    async with http.get(f"{host.url}/api/orders/x") as response:
        assert (response.status, await response.read()) == (404, b"")


async def test_h031_absent_optional_value_is_left_out(host, http) -> None:
    assert await _echo(http, f"{host.url}/api/orders") == {}


async def test_h032_catch_all_captures_the_rest_of_the_path(host, http) -> None:
    async with http.get(f"{host.url}/api/files/a/b%20b/c") as response:
        assert await response.text() == "a/b b/c"


async def test_h034_wrong_method_is_not_found_without_a_body(host, http) -> None:
    async with http.delete(f"{host.url}/api/orders/5") as response:
        assert (response.status, await response.read()) == (404, b"")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_h035_without_methods_every_method_reaches_the_function(host, http, method) -> None:
    assert (await _echo(http, f"{host.url}/api/echo", method))["method"] == method


async def test_h035_head_reaches_the_function_and_has_no_body(host, http) -> None:
    async with http.head(f"{host.url}/api/echo") as response:
        assert (response.status, await response.read()) == (200, b"")
        assert response.content_type == "application/json"


async def test_h036_of_two_matching_functions_the_first_by_name_answers(host, http) -> None:
    async with http.get(f"{host.url}/api/twice/x") as response:
        assert await response.text() == "a"


async def test_h037_repeated_query_names_are_joined_and_empty_ones_dropped(host, http) -> None:
    seen = await _echo(http, f"{host.url}/api/echo?a=1&a=2&b=&c=x%20y")
    assert seen["params"] == {"a": "1,2", "c": "x y"}


async def test_h038_url_is_absolute_and_as_received(host, http) -> None:
    assert (await _echo(http, f"{host.url}/api/echo?b=&a=1"))["url"] == f"{host.url}/api/echo?b=&a=1"


async def test_headers_are_lower_case_and_repeated_ones_joined(host, http) -> None:
    headers = [("X-Thing", "1"), ("X-Thing", "2")]
    assert (await _echo(http, f"{host.url}/api/echo", headers=headers))["headers"]["x-thing"] == "1,2"


async def test_h039_status_headers_and_both_cookies_arrive(host, http) -> None:
    async with http.get(f"{host.url}/api/cookies") as response:
        assert response.status == 201
        assert response.headers["X-Custom"] == "yes"
        assert response.headers.getall("Set-Cookie") == ["a=1", "b=2"]


async def test_h039_no_content_has_no_body(host, http) -> None:
    async with http.get(f"{host.url}/api/empty") as response:
        assert (response.status, await response.read()) == (204, b"")


@pytest.mark.parametrize(("what", "type_name"), [("none", "NoneType"), ("dict", "dict"), ("tuple", "tuple")])
async def test_h040_values_that_are_no_response_are_a_server_error(host, http, what, type_name) -> None:
    async with http.get(f"{host.url}/api/returns/{what}") as response:
        assert (response.status, await response.read()) == (500, b"")
    refusal = f'unable to encode outgoing TypedData: unsupported type "http" for Python type "{type_name}"'
    assert refusal in host.log_text()


async def test_h041_text_is_sent_unchanged(host, http) -> None:
    async with http.get(f"{host.url}/api/returns/text") as response:
        assert response.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert await response.text() == '{"a":  1}'


async def test_text_that_describes_a_response_becomes_that_response(host, http) -> None:
    async with http.get(f"{host.url}/api/returns/described") as response:
        assert (response.status, await response.text(), response.headers["X-Pot"]) == (418, "made", "tea")


async def test_h042_exception_is_a_server_error_told_only_in_the_log(host, http) -> None:
    async with http.get(f"{host.url}/api/fails") as response:
        assert (response.status, await response.read()) == (500, b"")
    log = host.log_text()
    stack = log[log.index("Executed 'Functions.fails' (Failed") :].splitlines()
    assert stack[1] == "Traceback (most recent call last):"
    assert "function_app.py" in stack[2]
    assert "ValueError: the reason stays in the log" in log


async def test_h026_function_time_out_fails_the_call_and_the_host_goes_on(host, http) -> None:
    async def status(path: str) -> int:
        async with http.get(f"{host.url}/api/{path}?seconds=4") as response:
            return response.status

    assert await asyncio.gather(status("slow"), status("slow-threaded")) == [500, 500]
    for name in ("slow", "slow_threaded"):
        assert f"Timeout value of 00:00:02 exceeded by function: {name}. Initiating cancellation." in host.log_text()
    assert (await _echo(http, f"{host.url}/api/echo"))["method"] == "GET"


async def test_function_of_a_client_that_has_gone_runs_to_its_end(host, eventually) -> None:
    began, ended = "Executing 'Functions.slow'", "Executed 'Functions.slow' (Succeeded"
    before = host.log_text()
    _, writer = await asyncio.open_connection("127.0.0.1", int(host.url.rpartition(":")[2]))
    writer.write(b"GET /api/slow?seconds=0.3 HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await eventually(lambda: host.log_text().count(began) > before.count(began))
    writer.close()
    await eventually(lambda: host.log_text().count(ended) > before.count(ended), explain=host.log_text)


async def test_client_that_goes_before_its_body_is_complete_causes_no_call_and_no_traceback(host, eventually) -> None:
    before = host.log_text()
    port = int(host.url.rpartition(":")[2])
    for rest in (b"part", b""):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /api/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n" + rest)
        await writer.drain()
        writer.close()
        await writer.wait_closed()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"GET /api/empty HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert b"204" in await reader.read()
    writer.close()
    after = host.log_text().removeprefix(before)
    assert "Executing 'Functions.echo'" not in after
    assert "Traceback" not in after


async def test_body_whose_length_is_above_the_limit_is_refused_before_it_is_sent(host) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(host.url.rpartition(":")[2]))
    writer.write(b"POST /api/echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 104857601\r\n\r\n")
    assert b" 413 " in await asyncio.wait_for(reader.readline(), 10)
    writer.close()


async def test_client_of_a_proxy_may_send_the_whole_url(host) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", int(host.url.rpartition(":")[2]))
    writer.write(b"GET http://shop.example/api/files/a?x=1 HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n")
    assert (await reader.read()).endswith(b"\r\n\r\na")
    writer.close()


@pytest.mark.parametrize("size", [9_000, 30_000])
async def test_headers_of_many_kilobytes_arrive(host, http, size) -> None:
    token = "x" * size
    seen = await _echo(http, f"{host.url}/api/echo", headers={"Authorization": token})
    assert seen["headers"]["authorization"] == token


async def test_header_above_the_limit_is_refused(host, http) -> None:
    async with http.get(f"{host.url}/api/echo", headers={"X-Long": "x" * 40_000}) as response:
        assert response.status == 400


async def test_h046_chunked_body_arrives_complete(host, http) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for part in (b"one ", b"two ", b"three"):
            yield part

    assert (await _echo(http, f"{host.url}/api/echo", "POST", data=chunks()))["body"] == "one two three"


async def test_encoded_body_arrives_as_it_was_sent(host, http) -> None:
    seen = await _echo(http, f"{host.url}/api/echo", "POST", data=b"no gzip", headers={"Content-Encoding": "gzip"})

    assert seen["body"] == "no gzip"


async def test_h019_coroutines_run_on_the_loop_and_plain_functions_in_threads(host, http) -> None:
    assert (await _echo(http, f"{host.url}/api/where"))["is_main_thread"] is True
    assert (await _echo(http, f"{host.url}/api/where-threaded"))["is_main_thread"] is False


async def test_h021_context_tells_invocation_and_function(host, http) -> None:
    first, second = [await _echo(http, f"{host.url}/api/where") for _ in range(2)]
    assert first["invocation_id"] != second["invocation_id"]
    assert str(uuid.UUID(first["invocation_id"])) == first["invocation_id"]
    assert first["function_name"] == "where"
    assert first["function_directory"].endswith("apps/http")
    assert first["retry_count"] == 0


async def test_h022_thread_local_storage_holds_the_invocation_id(host, http) -> None:
    seen = await _echo(http, f"{host.url}/api/where-threaded")
    assert seen["thread_invocation_id"] == seen["invocation_id"]


async def test_trace_parent_of_the_request_is_taken_over(host, http) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    seen = await _echo(http, f"{host.url}/api/where", headers={"traceparent": parent})
    assert seen["trace_parent"] == parent


async def test_custom_headers_are_on_every_answer(host, http) -> None:
    async with http.get(f"{host.url}/nowhere") as response:
        assert (response.status, response.headers["X-Served-By"]) == (404, "localazure")


async def test_h049_home_page_says_that_the_host_is_up(host, http) -> None:
    async with http.get(f"{host.url}/") as response:
        assert (response.status, response.content_type) == (200, "text/html")


async def test_h050_admin_tells_that_the_host_is_running(host, http) -> None:
    async with http.post(f"{host.url}/admin/host/ping") as response:
        assert (response.status, await response.read()) == (200, b"")
    status = await _echo(http, f"{host.url}/admin/host/status")
    assert status["state"] == "Running"
    assert any("UNSET_QUEUE" in error for error in status["errors"])


async def test_h051_every_function_is_listed_with_its_address(host, http) -> None:
    listed = {item["name"]: item for item in await _echo(http, f"{host.url}/admin/functions")}
    port = host.url.rpartition(":")[2]
    declared = re.findall(r"^(?:async )?def ([A-Za-z]\w*)\(req|^def (unset)\(", SOURCE, re.MULTILINE)
    names = {"".join(found) for found in declared} - {"original_name"} | {"renamed"}
    assert listed.keys() == names
    assert {"orders", "unset", "switched_off", "from_blueprint"} <= names
    assert listed["orders"]["invoke_url_template"] == f"http://localhost:{port}/api/orders/{{id:int?}}"
    assert listed["unset"]["invoke_url_template"] == ""
    assert [binding["type"] for binding in listed["orders"]["config"]["bindings"]] == ["httpTrigger", "http"]
    for item in listed.values():
        assert item["config"]["bindings"], item
        assert item["href"] == f"http://localhost:{port}/admin/functions/{item['name']}"


async def test_h013_disabled_function_is_listed_but_not_found(host, http) -> None:
    async with http.get(f"{host.url}/api/switched-off") as response:
        assert response.status == 404
    assert (await _echo(http, f"{host.url}/admin/functions/switched_off"))["isDisabled"] is True


@pytest.mark.parametrize("path", ["api/echo", "api/renamed", "admin/functions"])
async def test_h043_by_default_no_key_is_asked_for(host, http, path) -> None:
    async with http.get(f"{host.url}/{path}") as response:
        assert response.status == 200


async def test_h054_unknown_function_and_missing_body_are_told_apart(host, http) -> None:
    async with http.post(f"{host.url}/admin/functions/nobody", json={"input": ""}) as response:
        assert response.status == 404
    async with http.post(f"{host.url}/admin/functions/echo") as response:
        assert response.status == 400


async def test_http_function_can_be_run_by_hand(host, http) -> None:
    async with http.post(f"{host.url}/admin/functions/blue", json={}) as response:
        assert response.status == 404
    async with http.post(f"{host.url}/admin/functions/from_blueprint", json={"input": "x"}) as response:
        assert (response.status, await response.read()) == (202, b"")
    await host.logged("Executed 'Functions.from_blueprint' (Succeeded")


async def test_h055_unknown_extension_is_not_found(host, http) -> None:
    for method, path in (("GET", "unknown"), ("POST", "unknown/below"), ("PATCH", "eventgrid")):
        async with http.request(method, f"{host.url}/runtime/webhooks/{path}") as response:
            assert response.status == 404


async def test_banner_lists_the_functions_with_their_urls(module_hosts, host) -> None:
    other = module_hosts.start("http", state="banner")
    other.process.send_signal(15)
    printed = other.process.communicate(timeout=20)[0].decode()
    port = other.url.rpartition(":")[2]
    assert "\nFunctions:\n" in printed
    assert f"\torders: [GET,POST] http://localhost:{port}/api/orders/{{id:int?}}\n" in printed


async def test_client_that_expects_to_be_told_sends_its_body_after_100_continue(host, http) -> None:
    async with http.post(f"{host.url}/api/unrouted", data=b"x" * 100, expect100=True) as response:
        assert (response.status, await response.text()) == (200, "no route of its own")
