"""The SDK's client and the HTTP management API."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import azure.functions as func
import pytest
from azure.durable_functions import OrchestrationRuntimeStatus
from localazure.durable.functions import FunctionKind
from yarl import URL


async def test_d066_a_start_returns_the_id_given_or_a_new_one(app: Any) -> None:
    assert await app.client.start_new("waits", "mine") == "mine"
    assert len(await app.client.start_new("waits")) == 32


async def test_d066_a_running_instance_is_not_replaced_and_a_finished_one_is(app: Any) -> None:
    await app.client.start_new("waits", "twice")
    await app.idle()
    with pytest.raises(Exception, match="An Orchestration instance with the status Running already exists"):
        await app.client.start_new("echo", "twice")
    await app.client.raise_event("twice", "go")
    first = await app.finish("twice")
    assert await app.client.start_new("echo", "twice", 2) == "twice"
    second = await app.finish("twice")
    assert (second.output, second.custom_status) == ("2", None)
    assert second.start.execution_id != first.start.execution_id


@pytest.mark.parametrize("state", ["Pending", "Running", "Suspended"])
async def test_d083_a_duplicate_start_over_http_is_refused_with_a_message(app: Any, state: str) -> None:
    entered, hold = asyncio.Event(), asyncio.Event()
    call = app.functions.call_orchestrator

    async def held(*arguments: str) -> str:
        entered.set()
        await hold.wait()
        return str(await call(*arguments))

    if state == "Pending":
        app.functions.call_orchestrator = held
    await app.client.start_new("waits", "twice")
    if state == "Pending":
        await entered.wait()
    elif state == "Suspended":
        await app.client.suspend("twice", "hold on")
        await app.idle()
    else:
        await app.idle()
    text = f"An Orchestration instance with the status {state} already exists."
    assert (await app.call("POST", "orchestrators/echo/twice", data="1"))[:2] == (409, {"Message": text})
    hold.set()


async def test_d066_any_instance_is_replaced_when_the_settings_say_so(make_rig: Any) -> None:
    rig = await make_rig(replace_any_state=True)

    @rig.functions.orchestrator
    def waits(context: Any) -> Any:
        return [context.get_input(), (yield context.wait_for_external_event("go"))]

    await rig.client.start_new("waits", "one", "old")
    await rig.idle()
    await rig.client.start_new("waits", "one", "new")
    await rig.client.raise_event("one", "go", 1)
    assert (await rig.finish("one")).output == '["new", "1"]'


async def test_d067_an_unknown_orchestrator_names_the_known_ones(app: Any) -> None:
    with pytest.raises(Exception, match="following are the known orchestrator functions: 'echo', 'fails', 'waits'"):
        await app.client.start_new("nobody")
    assert (await app.call("GET", "instances"))[1] == []


async def test_d066_an_instance_that_is_replaced_loses_its_tasks_and_late_results(make_rig: Any) -> None:
    rig = await make_rig(replace_any_state=True)
    calls: list[asyncio.Future[str]] = []

    @rig.functions.activity
    async def slow(_: Any) -> str:
        calls.append(asyncio.get_running_loop().create_future())
        return await calls[-1]

    @rig.functions.orchestrator
    def races(context: Any) -> Any:
        timer = context.create_timer(context.current_utc_datetime + timedelta(hours=context.get_input()))
        return (yield context.task_any([context.call_activity("slow"), timer])).result

    await rig.client.start_new("races", "one", 1)
    await called(calls, 1)
    await rig.client.start_new("races", "one", 2)
    await called(calls, 2)
    calls[0].set_result("for the former")
    rig.advance(minutes=90)  # the former timer is due, the latter is not
    assert (await rig.hub.get("one")).status == "Running"
    calls[1].set_result("for the latter")
    assert (await rig.finish("one")).output == '"for the latter"'


async def called(calls: list[Any], count: int) -> None:
    """Until there were so many calls."""
    async with asyncio.timeout(10):
        while len(calls) < count:
            await asyncio.sleep(0.001)


@pytest.mark.parametrize(
    "instance_id",
    ["@a", "a/b", "a%2Fb", "a%5Cb", "a%23b", "a%3Fb", "a%09b", "a%01b", "a%00b", "a%7Fb", "a%C2%85b", "a" * 257],
)
async def test_d068_bad_instance_ids_are_refused(app: Any, instance_id: str) -> None:
    async with app.http.post(URL(app.url(f"orchestrators/echo/{instance_id}"), encoded=True)) as answer:
        body = await answer.json()
    assert (answer.status, body["Message"]) == (400, "One or more of the arguments submitted is incorrect")
    assert body["ExceptionMessage"]
    assert (await app.call("GET", "instances"))[1] == []


@pytest.mark.parametrize("instance_id", ["a" * 256, "A b", "fulfil:acme:o-1", "å\u00a0\u200b", "a%41", "a@b"])
async def test_d068_all_other_ids_are_kept_as_they_are(app: Any, instance_id: str) -> None:
    for method, path, status, key in (
        ("POST", "orchestrators/echo", 202, "id"),
        ("GET", "instances", 200, "instanceId"),
    ):
        address = URL(app.url(f"{path}/{quote(instance_id, safe='')}"), encoded=True)
        async with app.http.request(method, address) as answer:
            assert (answer.status, (await answer.json())[key]) == (status, instance_id)
        await app.finish(instance_id)


async def test_d068_ids_are_case_sensitive(app: Any) -> None:
    await app.run("echo", 1, "one")
    assert (await app.call("GET", "instances/ONE"))[0] == 404


async def test_d069_the_status_code_tells_whether_an_instance_has_ended(app: Any) -> None:
    await app.client.start_new("waits", "one")
    await app.idle()
    status, body, headers = await app.call("GET", "instances/one")
    assert (status, body["runtimeStatus"], body["customStatus"]) == (202, "Running", {"stage": "waiting"})
    assert (headers["Location"], headers["Retry-After"]) == (app.url("instances/one"), "5")
    await app.client.raise_event("one", "go")
    await app.finish("one")
    assert (await app.call("GET", "instances/one"))[0] == 200
    assert (await app.call("GET", "instances/nobody"))[:2] == (404, None)
    await app.run("fails", None, "failed")
    assert (await app.call("GET", "instances/failed"))[0] == 200
    assert (await app.call("GET", "instances/failed?returnInternalServerErrorOnFailure=true"))[0] == 500


async def test_d069_a_status_has_all_fields(app: Any) -> None:
    await app.run("echo", {"a": 1}, "one")
    assert (await app.call("GET", "instances/one"))[1] == {
        "name": "echo",
        "instanceId": "one",
        "runtimeStatus": "Completed",
        "input": '{"a": 1}',
        "customStatus": None,
        "output": {"a": 1},
        "createdTime": "2026-01-01T00:00:00Z",
        "lastUpdatedTime": "2026-01-01T00:00:00Z",
    }


async def test_d071_the_status_of_an_unknown_instance_is_falsy(app: Any) -> None:
    assert not await app.client.get_status("nobody")


async def test_d072_instances_can_be_found_by_time_status_and_prefix(app: Any) -> None:
    await app.client.start_new("waits", "a-1")
    app.advance(hours=1)
    middle = app.clock.now()
    await app.run("echo", 1, "a-2")
    app.advance(hours=1)
    await app.run("fails", None, "b-1")
    assert await _found(app, created_time_from=middle) == ["a-2", "b-1"]
    assert await _found(app, created_time_to=middle - timedelta(minutes=1)) == ["a-1"]
    statuses = [OrchestrationRuntimeStatus.Completed, OrchestrationRuntimeStatus.Failed]
    assert await _found(app, runtime_status=statuses) == ["a-2", "b-1"]
    assert await _found(app, instance_id_prefix="a-") == ["a-1", "a-2"]
    assert len(await app.client.get_status_all()) == 3


@pytest.mark.parametrize(("count", "sizes"), [(5, [2, 2, 1]), (4, [2, 2]), (0, [0])])
async def test_d072_a_list_is_paged(app: Any, count: int, sizes: list[int]) -> None:
    for number in range(count):
        await app.run("echo", number, f"i-{number}")
    seen, token = [], ""
    while not seen or token:
        headers = {"x-ms-continuation-token": token} if token else {}
        status, page, answered = await app.call("GET", "instances?top=2", headers=headers)
        assert status == 200
        token = answered["x-ms-continuation-token"]
        seen.append([each["instanceId"] for each in page])
    assert [len(page) for page in seen] == sizes
    assert [each for page in seen for each in page] == [f"i-{number}" for number in range(count)]


async def test_d079_every_url_of_a_check_status_response_answers(app: Any) -> None:
    await app.client.start_new("waits", "one two")
    await app.idle()
    request = func.HttpRequest("POST", f"{app.base_url}/api/start", body=b"")
    response = app.client.create_check_status_response(request, "one%20two")
    urls = json.loads(response.get_body())
    assert (response.status_code, response.headers["Location"]) == (202, urls["statusQueryGetUri"])
    assert response.headers["Retry-After"] == "10"
    for key, method, expected in [
        ("statusQueryGetUri", "GET", 202),
        ("suspendPostUri", "POST", 202),
        ("resumePostUri", "POST", 202),
        ("rewindPostUri", "POST", 410),
        ("restartPostUri", "POST", 202),
        ("sendEventPostUri", "POST", 202),
        ("terminatePostUri", "POST", 202),
    ]:
        url = urls[key].replace("{text}", "why").replace("{eventName}", "other")
        async with app.http.request(method, url, json={} if key == "sendEventPostUri" else None) as answer:
            assert answer.status == expected, key
    await app.finish("one two")
    async with app.http.delete(urls["purgeHistoryDeleteUri"]) as answer:
        assert answer.status == 200
    assert set(urls) == {"id", "purgeHistoryDeleteUri"} | {
        f"{each}Uri"
        for each in ("statusQueryGet", "sendEventPost", "terminatePost", "rewindPost", "restartPost", "suspendPost")
    } | {"resumePostUri"}


@pytest.mark.parametrize(
    ("name", "timeout_ms", "status", "part"),
    [
        ("echo", 10_000, 200, {"a": 1}),
        ("fails", 10_000, 500, {"runtimeStatus": "Failed"}),
        ("waits", 50, 202, {"id": "one"}),
    ],
)
async def test_d080_the_client_waits_for_completion(
    app: Any, name: str, timeout_ms: int, status: int, part: dict[str, Any]
) -> None:
    request = func.HttpRequest("POST", f"{app.base_url}/api/start", body=b"")
    await app.client.start_new(name, "one", {"a": 1})
    answer = await app.client.wait_for_completion_or_create_check_status_response(request, "one", timeout_ms, 10)
    assert answer.status_code == status
    assert part.items() <= json.loads(answer.get_body()).items()


async def test_d081_a_start_over_http_can_wait_for_the_output(app: Any) -> None:
    path = "timeout=20&pollingInterval=0.1"
    assert (await app.call("POST", f"orchestrators/echo?{path}", data='{"a": 1}'))[:2] == (200, {"a": 1})
    status, body, _ = await app.call("POST", f"orchestrators/fails?{path}")
    assert (status, body["runtimeStatus"]) == (200, "Failed")
    status, body, headers = await app.call("POST", "orchestrators/waits?timeout=0.05&pollingInterval=0.01")
    assert (status, headers["Retry-After"]) == (202, "10")
    assert headers["Location"] == body["statusQueryGetUri"]


async def test_d084_a_version_reaches_the_orchestrator(make_rig: Any) -> None:
    rig = await make_rig(default_version="1.0")

    @rig.functions.orchestrator
    def version(context: Any) -> Any:
        return context.version
        yield

    given = await rig.client.start_new("version", version="2.0")
    assert (await rig.finish(given)).output == '"2.0"'
    assert await rig.output("version") == "1.0"


async def test_an_orchestrator_that_was_removed_fails_its_instances(app: Any) -> None:
    await app.client.start_new("waits", "one")
    await app.idle()
    app.functions.remove(FunctionKind.ORCHESTRATOR, "waits")
    await app.client.raise_event("one", "go")
    instance = await app.finish("one")
    assert instance.status == "Failed"
    assert instance.output.startswith("Orchestrator function 'waits' failed: The function 'waits' doesn't exist")


async def test_the_history_reaches_the_client_over_rpc(app: Any) -> None:
    await app.run("echo", 1, "one")
    status = await app.client.get_status("one", show_history=True, show_history_output=True, show_input=True)
    assert [each["EventType"] for each in status._history] == [
        "ExecutionStarted",
        "TaskCompleted",
        "ExecutionCompleted",
    ]


async def _found(app: Any, **wanted: Any) -> list[str]:
    found = await app.client.get_status_by(**wanted) if wanted else await app.client.get_status_all()
    return [each.instance_id for each in found]
