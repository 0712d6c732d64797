"""The management API as any HTTP client sees it: every route, parameter and refusal, on both listeners."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from azure.durable_functions import EntityId

JSON = {"Content-Type": "application/json"}
AT = "2026-01-01T00:00:00.000000Z"


@pytest.fixture
def app(rig: Any, add_common: Any) -> Any:
    add_common(rig)
    return rig


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "orchestrators/echo", 202),
        ("POST", "orchestrators/nobody", 400),
        ("POST", "orchestrators/waits/open", 409),
        ("GET", "instances", 200),
        ("GET", "instances/open", 202),
        ("GET", "instances/done", 200),
        ("GET", "instances/failed?returnInternalServerErrorOnFailure=true", 500),
        ("GET", "instances/nobody", 404),
        ("GET", "instances/open/terminate", 404),
        ("PUT", "instances/open", 404),
        ("GET", "instances/?taskHub=OtherHub", 400),
        ("POST", "instances/open/suspend", 202),
        ("POST", "instances/open/resume", 202),
        ("POST", "instances/open/rewind", 410),
        ("POST", "instances/open/raiseEvent/x", 202),
        ("POST", "instances/open/raiseEvent", 404),
        ("POST", "instances/open/terminate", 202),
        ("POST", "instances/open/unheard-of", 404),
        ("POST", "instances/done/terminate", 410),
        ("POST", "instances/done/suspend", 410),
        ("POST", "instances/done/resume", 410),
        ("POST", "instances/done/rewind", 410),
        ("POST", "instances/done/raiseEvent/x", 410),
        ("POST", "instances/done/restart", 202),
        ("POST", "instances/failed/rewind", 202),
        ("POST", "instances/nobody/terminate", 404),
        ("POST", "instances/nobody/suspend", 404),
        ("POST", "instances/nobody/resume", 404),
        ("POST", "instances/nobody/rewind", 404),
        ("POST", "instances/nobody/restart", 404),
        ("POST", "instances/nobody/raiseEvent/x", 404),
        ("DELETE", "instances/open", 412),
        ("DELETE", "instances/nobody", 404),
        ("DELETE", "instances/done", 200),
        ("DELETE", "instances", 400),
        ("DELETE", "instances?createdTimeFrom=yesterday", 400),
        ("DELETE", "instances?createdTimeFrom=2026-01-01T00:00:00Z", 200),
        ("DELETE", "instances?createdTimeFrom=2027-01-01T00:00:00Z", 404),
        ("POST", "entities/box/k?op=set", 202),
        ("POST", "entities/nobody/k?op=set", 400),
        ("GET", "entities/box/k", 404),
        ("GET", "entities/nobody/k", 404),
        ("GET", "entities/box", 200),
        ("DELETE", "entities/box/k", 202),
        ("PUT", "entities/box/k", 404),
        ("POST", "makeprimary", 200),
        ("GET", "nothing", 404),
    ],
)
async def test_d082_every_answer_of_the_rpc_listener_is_empty_or_json(
    app: Any, method: str, path: str, status: int
) -> None:
    await app.client.start_new("waits", "open")
    await app.run("echo", 1, "done")
    await app.run("fails", 1, "failed")
    await app.idle()
    body = {"data": "1", "headers": JSON} if method == "POST" else {}
    async with app.http.request(method, f"{app.base_url}/durabletask/{path}", **body) as answer:
        text = await answer.text()
    assert answer.status == status
    assert text == "" or answer.headers["Content-Type"] == "application/json; charset=utf-8"
    content = json.loads(text) if text else None
    if status in {202, 404, 410} and "orchestrators" not in path and "restart" not in path and method != "GET":
        assert content is None
    if status in {400, 409} and method != "DELETE":
        assert content["Message"]


async def test_d082_a_defect_of_the_hub_is_json_too(app: Any) -> None:
    async def broken(_: Any) -> Any:
        raise RuntimeError("no such table")

    app.hub.find = broken
    status, body, _ = await app.call("GET", "instances")
    assert (status, body["Message"]) == (500, "Something went wrong while processing your request")
    assert body["ExceptionMessage"]


async def test_literal_segments_ignore_case_and_slashes_at_the_end(app: Any) -> None:
    status, body, _ = await app.call("POST", "ORCHESTRATORS/Waits/one/")
    assert (status, body["id"]) == (202, "one")
    assert (await app.call("POST", "Instances/one/RAISEEVENT/go/", data="5", headers=JSON))[0] == 202
    assert (await app.finish("one")).output == "5"
    assert (await app.call("GET", "instances/"))[0] == 200


async def test_a_restart_of_an_unknown_instance_is_a_bad_request_in_public(app: Any) -> None:
    status, body, _ = await app.call("POST", "instances/nobody/restart")
    assert (status, body["Message"]) == (400, "One or more of the arguments submitted is incorrect")
    assert body["ExceptionMessage"] == "No instance with ID 'nobody' found."


async def test_a_restart_can_wait_for_the_output(app: Any) -> None:
    await app.run("echo", 5, "one")
    status, body, _ = await app.call("POST", "instances/one/restart?timeout=20&pollingInterval=0.1")
    assert (status, body) == (200, 5)
    query = "restartWithNewInstanceId=false&timeout=20&pollingInterval=0.1"
    assert (await app.call("POST", f"instances/one/restart?{query}"))[:2] == (200, 5)
    assert len((await app.call("GET", "instances"))[1]) == 2


async def test_a_restart_keeps_the_version(app: Any) -> None:
    @app.functions.orchestrator
    def version(context: Any) -> Any:
        return context.version
        yield

    started = (await app.call("POST", "orchestrators/version?version=2.0"))[1]["id"]
    await app.finish(started)
    again = (await app.call("POST", f"instances/{started}/restart"))[1]["id"]
    assert (await app.finish(again)).output == '"2.0"'


@pytest.mark.parametrize("flag", ["", "&returnInternalServerErrorOnFailure=true"])
async def test_a_start_that_waits_shows_the_status_of_what_failed_or_was_terminated(app: Any, flag: str) -> None:
    wait = f"timeout=20&pollingInterval=0.1{flag}"
    status, body, _ = await app.call("POST", f"orchestrators/fails?{wait}")
    assert (status, body["runtimeStatus"]) == (500 if flag else 200, "Failed")
    waiting = asyncio.create_task(app.call("POST", f"orchestrators/waits/one?{wait}"))
    async with asyncio.timeout(10):
        while (await app.call("POST", "instances/one/terminate?reason=why"))[0] != 202:
            await asyncio.sleep(0.001)
    status, body, _ = await waiting
    assert (status, body["runtimeStatus"], body["output"]) == (200, "Terminated", "why")


async def test_a_start_waits_only_when_it_has_both_parameters(app: Any) -> None:
    for query in ("timeout=20", "pollingInterval=1", "timeout=long&pollingInterval=1", "timeout=-1&pollingInterval=1"):
        assert (await app.call("POST", f"orchestrators/waits?{query}"))[0] == 202


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"NaN", b"[Infinity]", b"[" * 100_000, b"'a'", b'{"a":1}x'])
@pytest.mark.parametrize("path", ["orchestrators/echo", "instances/open/raiseEvent/x", "entities/box/k?op=set"])
async def test_bodies_that_are_no_json_are_refused(app: Any, path: str, body: bytes) -> None:
    await app.client.start_new("waits", "open")
    status, answer, _ = await app.call("POST", path, data=body, headers=JSON)
    assert (status, answer["Message"]) == (400, "Invalid JSON content")
    assert answer["ExceptionMessage"]


async def test_a_body_may_begin_with_a_byte_order_mark(app: Any) -> None:
    _, started, _ = await app.call("POST", "orchestrators/echo", data='\ufeff{"a": "ä"}'.encode(), headers=JSON)
    assert json.loads((await app.finish(started["id"])).output) == {"a": "ä"}


@pytest.mark.parametrize("text", ["ä \U0001f600 \u2028", "\ud800", "a\u0000b", "%ED%A0%80"])
async def test_texts_of_any_kind_reach_the_store_and_come_back(app: Any, text: str) -> None:
    @app.functions.orchestrator
    def raises(context: Any) -> Any:
        context.set_custom_status(text)
        yield context.call_activity("same", text)
        raise ValueError(text)

    instance = await app.run("raises", text)
    assert (instance.status, instance.output.startswith("Orchestrator function")) == ("Failed", True)
    assert await app.output("echo", text) == text
    await app.client.start_new("waits", "open")
    assert (await app.call("POST", f"instances/open/terminate?reason={text.replace(chr(0xD800), '')}"))[0] == 202
    assert (await app.finish("open")).status == "Terminated"


@pytest.mark.parametrize("name", ["\ud800", "bad\ud800name"])
async def test_names_without_utf_8_form_harm_nobody(app: Any, name: str) -> None:
    @app.functions.orchestrator
    def calls(context: Any) -> Any:
        try:
            yield getattr(context, context.get_input())(name)
        except Exception as caught:  # noqa: BLE001  # the SDK raises nothing narrower
            return str(caught)

    for method in ("call_activity", "call_sub_orchestrator"):
        assert "doesn't exist" in await app.output("calls", method)


async def test_lists_take_every_parameter(app: Any) -> None:
    await app.client.start_new("waits", "a-1", "in")
    app.advance(hours=1)
    for name, instance_id in (("echo", "a-2"), ("fails", "b-1")):
        await app.run(name, "in", instance_id)

    async def ids(query: str) -> list[str]:
        status, found, headers = await app.call("GET", f"instances?{query}")
        assert (status, headers["x-ms-continuation-token"]) == (200, "")
        return [each["instanceId"] for each in found]

    assert await ids("createdTimeFrom=2026-01-01T00:30:00Z") == ["a-2", "b-1"]
    assert await ids("createdTimeFrom=2026-01-01T01:30:00%2B01:00") == ["a-2", "b-1"]
    assert await ids("createdTimeFrom=2026-01-01T01:30:00+01:00") == ["a-2", "b-1"]
    assert await ids("createdTimeFrom=2026-01-01%2000:30:00") == ["a-2", "b-1"]
    assert await ids("createdTimeFrom=0001-01-01T00:00:00%2B14:00") == ["a-1", "a-2", "b-1"]
    assert await ids("createdTimeTo=2026-01-01T00:30:00.1234567Z") == ["a-1"]
    assert await ids("createdTimeTo=tomorrow&top=zero") == ["a-1", "a-2", "b-1"]
    assert await ids("runtimeStatus=Failed,Completed") == ["a-2", "b-1"]
    assert await ids("runtimeStatus=failed&runtimeStatus=Running,Unheard") == ["a-1", "b-1"]
    assert await ids("instanceIdPrefix=b") == ["b-1"]
    assert await ids("taskHub=testhubname&connection=Storage&connectionName=Other") == ["a-1", "a-2", "b-1"]
    _, found, _ = await app.call("GET", "instances?showInput=false")
    assert [each["input"] for each in found] == [None, None, None]


async def test_a_list_without_top_has_a_hundred_and_the_rpc_listener_shows_all(app: Any) -> None:
    for number in range(101):
        await app.hub.start_instance("waits", f"i-{number:03}")
    _, found, headers = await app.call("GET", "instances")
    assert (len(found), bool(headers["x-ms-continuation-token"])) == (100, True)
    async with app.http.get(f"{app.base_url}/durabletask/instances") as answer:
        assert len(await answer.json()) == 101


@pytest.mark.parametrize("token", ["x", "WyJhIl0=", "WzEsMl0=", "NQ==", "eyJhIjoxfQ==", "WyJhIiwiYiJd"])
@pytest.mark.parametrize("path", ["instances", "entities", "instances?instanceIdPrefix=@"])
async def test_a_continuation_token_that_is_none_is_refused(app: Any, path: str, token: str) -> None:
    status, body, _ = await app.call("GET", path, headers={"x-ms-continuation-token": token})
    assert status == 400 or (path != "instances" and token == "WyJhIl0=")  # that one names an entity "a"
    assert status == 200 or body["ExceptionMessage"] == "The continuation token is not one of this list."


async def test_entities_are_paged_as_instances_too_and_filtered(app: Any) -> None:
    for key in "abc":
        await app.client.signal_entity(EntityId("box", key), "set", key)
    await app.idle()
    seen, token = [], None
    while token != "":
        headers = {"x-ms-continuation-token": token} if token else {}
        _, found, answered = await app.call("GET", "instances?instanceIdPrefix=@box@&top=2", headers=headers)
        token = answered["x-ms-continuation-token"]
        seen.append([each["instanceId"] for each in found])
    assert seen == [["@box@a", "@box@b"], ["@box@c"]]
    for query, count in [
        ("runtimeStatus=Completed", 0),
        ("runtimeStatus=Running", 3),
        ("createdTimeFrom=2027-01-01T00:00:00Z", 0),
        ("showInput=false", 3),
    ]:
        _, found, _ = await app.call("GET", f"instances?instanceIdPrefix=@&{query}")
        assert len(found) == count
    assert [each["input"] for each in found] == [None] * 3
    for query, count in [
        ("lastOperationTimeFrom=2027-01-01T00:00:00Z", 0),
        ("lastOperationTimeTo=2027-01-01T00:00:00Z", 3),
    ]:
        _, found, _ = await app.call("GET", f"entities?{query}")
        assert [each.get("state", "none") for each in found] == ["none"] * count


async def test_a_purge_by_filter_takes_states_and_times_and_leaves_entities(app: Any) -> None:
    for name, instance_id in (("echo", "done"), ("fails", "failed")):
        await app.run(name, 1, instance_id)
    await app.client.start_new("waits", "open")
    await app.client.signal_entity(EntityId("box", "k"), "set", 1)
    await app.idle()
    app.advance(hours=1)
    await app.run("echo", 1, "later")
    path = "instances/?createdTimeFrom=2026-01-01T00:00:00Z"
    assert (await app.call("DELETE", f"{path}&runtimeStatus=Running"))[:2] == (404, None)
    status, body, _ = await app.call("DELETE", f"{path}&runtimeStatus=Failed,Running")
    assert (status, body) == (200, {"instancesDeleted": 1})
    status, body, _ = await app.call("DELETE", f"{path}&createdTimeTo=2026-01-01T00:30:00Z")
    assert (status, body) == (200, {"instancesDeleted": 1})
    assert [each["instanceId"] for each in (await app.call("GET", "instances"))[1]] == ["open", "later"]
    assert (await app.call("GET", "entities/box/k"))[:2] == (200, 1)
    assert (await app.call("GET", "instances/done?showHistory=true"))[0] == 404
