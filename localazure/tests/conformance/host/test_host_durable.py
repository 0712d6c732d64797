"""Durable functions through the host: triggers, the client binding, both management listeners."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import pytest


@pytest.fixture(scope="module")
def host(module_hosts: Any) -> Any:
    return module_hosts.start("durable")


async def _run(http: aiohttp.ClientSession, host: Any, name: str, value: Any = None) -> dict[str, Any]:
    """Start through the app, follow the check-status answer to the end."""
    async with http.post(f"{host.url}/api/start/{name}", json=value) as response:
        assert response.status == 202, host.log_text()
        url = (await response.json())["statusQueryGetUri"]
    return await _ended(http, url)


async def _ended(http: aiohttp.ClientSession, url: str) -> dict[str, Any]:
    for _ in range(1000):
        async with http.get(url) as response:
            status = await response.json()
            if response.status != 202:
                return status
    raise AssertionError(status)


async def test_orchestration_started_by_the_client_runs_its_activities(host, http) -> None:
    status = await _run(http, host, "greet_all", ["Ada", "Grace"])
    assert status["runtimeStatus"] == "Completed"
    assert status["output"] == {"greetings": ["Hello Ada", "Hello Grace"], "total": 20}
    assert sorted(host.records("greet")) == ["Ada", "Grace"]


async def test_durable_names_match_ignoring_case_and_renamed_ones_work(host, http) -> None:
    async with http.post(f"{host.url}/api/start/waitforapproval?id=w-1") as response:
        links = await response.json()
    event = links["sendEventPostUri"].replace("{eventName}", "approval")
    async with http.post(event, json={"approved": True}) as response:
        assert response.status == 202
    assert (await _ended(http, links["statusQueryGetUri"]))["output"] == {"approved": True}


async def test_urls_for_clients_have_the_origin_of_their_request(host, http) -> None:
    async with http.post(f"{host.url}/api/start/WaitForApproval?id=w-2") as response:
        links = await response.json()
    assert links["statusQueryGetUri"].startswith(f"{host.url}/runtime/webhooks/durabletask/instances/w-2?")
    assert "taskHub=HostTests" in links["statusQueryGetUri"]


async def test_failing_activity_fails_the_orchestration_with_its_text(host, http) -> None:
    status = await _run(http, host, "fail_in_activity")
    assert status["runtimeStatus"] == "Failed"
    assert "Activity function 'refuse' failed:  KeyError: 'no x'" in status["output"]


async def test_failing_orchestrator_reports_its_own_exception_in_the_log(host, http) -> None:
    status = await _run(http, host, "fail_itself")
    assert status["runtimeStatus"] == "Failed"
    assert "the orchestrator failed" in status["output"]
    log = host.log_text()
    stack = log[log.index("Executed 'Functions.fail_itself' (Failed") :]
    assert "ValueError: the orchestrator failed" in stack[:1500]
    assert "OutOfProcData" not in log


async def test_entities_keep_their_state_between_calls(host, http) -> None:
    assert (await _run(http, host, "count_twice"))["output"] == 5


async def test_synchronous_starter_fails_as_a_normal_function(host, http) -> None:
    async with http.get(f"{host.url}/api/started-synchronously") as response:
        assert response.status == 500
    assert "can't be used in 'await' expression" in host.log_text()


async def test_client_reads_status_through_the_rpc_listener(host, http) -> None:
    instance_id = (await _run(http, host, "greet_all", ["Ada"]))["instanceId"]
    async with http.get(f"{host.url}/api/status/{instance_id}") as response:
        assert json.loads(await response.text())["runtimeStatus"] == "Completed"
    async with http.get(f"{host.url}/api/status/nobody") as response:
        assert json.loads(await response.text()) is None
    async with http.get(f"{host.facts['rpc']}instances/nobody") as response:
        assert response.status == 404
    assert "127.0.0.1" in host.facts["rpc"]


async def test_orchestration_cannot_be_run_by_hand_but_an_activity_can(host, http) -> None:
    async with http.post(f"{host.url}/admin/functions/greet_all", json={"input": ""}) as response:
        assert response.status == 400
    async with http.post(f"{host.url}/admin/functions/greet", json={"input": '"Hand"'}) as response:
        assert response.status == 202
    await host.logged('record "Hand"')


async def test_instances_survive_a_killed_host(hosts, http) -> None:
    first = hosts.start("durable")
    async with http.post(f"{first.url}/api/start/WaitForApproval?id=w-9") as response:
        assert response.status == 202
    first.kill()
    second = hosts.start("durable")
    webhook = f"{second.url}/runtime/webhooks/durabletask/instances/w-9"
    async with http.post(f"{webhook}/raiseEvent/approval", json="late") as response:
        assert response.status == 202, await response.text()
    assert (await _ended(http, webhook))["output"] == "late"


async def test_management_webhook_needs_its_system_key_when_keys_are_on(hosts, http) -> None:
    host = hosts.start("durable", "--enable-auth", FUNCTIONS_SYSTEM_KEY_durabletask_extension="sys")
    url = f"{host.url}/runtime/webhooks/durabletask/instances"
    for params, status in (({}, 401), ({"code": "wrong"}, 401), ({"code": "sys"}, 200)):
        async with http.get(url, params=params) as response:
            assert response.status == status
