"""What an administrator can do to a running host: drain, offline, restart, keys."""

from __future__ import annotations

import asyncio
import base64
import json
import os
from typing import Any

import aiohttp
import pytest

MASTER = {"x-functions-key": "master"}


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


async def _json(http: aiohttp.ClientSession, url: str, method: str = "GET", **options: Any) -> Any:
    async with http.request(method, url, **options) as response:
        assert response.status in {200, 201}, await response.text()
        return await response.json()


class TestDrain:
    @pytest.fixture
    def host(self, hosts: Any, azurite: str) -> Any:
        return hosts.start("queues", AzureWebJobsStorage=azurite, PREFIX="drained")

    async def test_drained_host_takes_no_message_until_it_resumes(self, host, http, queues, eventually) -> None:
        pages = f"{host.url}/admin/host"
        assert (await _json(http, f"{pages}/drain/status"))["state"] == "Disabled"
        queue = queues.get_queue_client("drained-slow")
        await queue.create_queue()
        await queue.send_message(_encoded("first"))
        await host.recorded("take_slowly")
        async with http.post(f"{pages}/drain") as response:
            assert (response.status, await response.read()) == (202, b"")

        async def is_completed() -> bool:
            status = await _json(http, f"{pages}/drain/status")
            expected = {"state": "Completed", "outstandingInvocations": 0, "outstandingRetries": 0}
            return bool(status == expected)

        await eventually(is_completed)
        await queue.send_message(_encoded("second"))
        async with http.post(f"{host.url}/api/send/text", data="requests are still answered") as response:
            assert response.status == 200
        assert [record["message"] for record in host.records("take_slowly")] == ["first"]
        assert await _json(http, f"{pages}/resume", "POST") == {"state": "Running"}
        assert (await host.recorded("take_slowly", count=2))[1]["message"] == "second"
        assert (await _json(http, f"{pages}/drain/status"))["state"] == "Disabled"

    async def test_drain_is_in_progress_while_a_function_runs(self, hosts, http) -> None:
        host = hosts.start("http")
        call = asyncio.create_task(http.get(f"{host.url}/api/slow?seconds=0.5"))
        await host.logged("Executing 'Functions.slow'")
        async with http.post(f"{host.url}/admin/host/drain") as response:
            assert response.status == 202
        status = await _json(http, f"{host.url}/admin/host/drain/status")
        assert status == {"state": "InProgress", "outstandingInvocations": 1, "outstandingRetries": 0}
        assert (await call).status == 200


async def test_offline_host_answers_administrators_alone(hosts, http) -> None:
    host = hosts.start("http")
    for state, status, api in (("offline", "Offline", 503), ("running", "Running", 200)):
        async with http.put(f"{host.url}/admin/host/state", json=state) as response:
            assert response.status == 202
        assert (await _json(http, f"{host.url}/admin/host/status"))["state"] == status
        for path in ("api/open", ""):
            async with http.get(f"{host.url}/{path}") as response:
                assert response.status == api
    async with http.put(f"{host.url}/admin/host/state", json="asleep") as response:
        assert response.status == 400


async def test_restarted_host_has_its_old_address_and_the_new_code(hosts, app_of, http, eventually) -> None:
    code = """
import os
import azure.functions as func
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route(route="hello")
def hello(req: func.HttpRequest) -> str:
    return f"one {os.environ['WORD']} {os.getpid()}"
"""
    root = app_of(code)
    settings = root / "local.settings.json"
    settings.write_text(json.dumps({"IsEncrypted": False, "Values": {"WORD": "old"}}))
    host = hosts.start(root)
    (root / "function_app.py").write_text(code.replace("one", "another"))
    settings.write_text(json.dumps({"IsEncrypted": False, "Values": {"WORD": "new"}}))

    async def said() -> str:
        try:
            async with http.get(f"{host.url}/api/hello") as response:
                return await response.text()
        except aiohttp.ClientError:
            return "nothing"

    assert await said() == f"one old {host.process.pid}"
    async with http.post(f"{host.url}/admin/host/restart") as response:
        assert response.status == 200

    async def is_restarted() -> bool:
        return await said() == f"another new {host.process.pid}"

    await eventually(is_restarted, within_s=15, explain=host.log_text)
    os.close(host._parent_end)
    assert await asyncio.to_thread(host.process.wait, 20) == 0, "it still follows the process that started it"


@pytest.fixture(scope="module")
def guarded(module_hosts: Any) -> Any:
    return module_hosts.start("http", "--enable-auth", FUNCTIONS_MASTER_KEY="master")


class TestKeys:
    async def test_keys_are_listed_made_and_deleted(self, guarded, http) -> None:
        keys = f"{guarded.url}/admin/functions/echo/keys"
        assert await _json(http, keys, headers=MASTER) == {"keys": [], "links": []}
        made = await _json(http, f"{keys}/mine", "PUT", headers=MASTER, json={"name": "mine", "value": "secret"})
        assert made == {"name": "mine", "value": "secret"}
        random = await _json(http, f"{keys}/other", "POST", headers=MASTER)
        assert len(random["value"]) > 40
        listed = (await _json(http, keys, headers=MASTER))["keys"]
        assert {key["name"]: key["value"] for key in listed} == {"mine": "secret", "other": random["value"]}
        for path, status in (("api/echo", 200), ("api/orders", 401)):
            async with http.get(f"{guarded.url}/{path}?code=secret") as response:
                assert response.status == status
        for status in (204, 404):
            async with http.delete(f"{keys}/mine", headers=MASTER) as response:
                assert response.status == status
        async with http.get(f"{guarded.url}/api/echo?code=secret") as response:
            assert response.status == 401

    async def test_keys_survive_the_host_and_are_secret(self, hosts, http) -> None:
        first = hosts.start("http", "--enable-auth", FUNCTIONS_MASTER_KEY="master")
        made = await _json(http, f"{first.url}/admin/host/keys/robot", "POST", headers=MASTER)
        assert first.stop() == 0
        second = hosts.start("http", "--enable-auth", FUNCTIONS_MASTER_KEY="master")
        shown = await _json(http, f"{second.url}/admin/host/functionkeys/robot", headers=MASTER)
        assert shown == made
        async with http.get(f"{second.url}/api/orders?code={made['value']}") as response:
            assert response.status == 200
        for page in ("host/keys", "host/systemkeys", "functions/echo/keys"):
            async with http.get(f"{second.url}/admin/{page}?code={made['value']}") as response:
                assert response.status == 401

    async def test_system_keys_open_the_webhooks_of_their_extension(self, guarded, http) -> None:
        listed = (await _json(http, f"{guarded.url}/admin/host/systemkeys", headers=MASTER))["keys"]
        keys = {key["name"]: key["value"] for key in listed}
        assert keys.keys() == {"_master", "durabletask_extension", "eventgrid_extension", "blobs_extension"}
        webhook = f"{guarded.url}/runtime/webhooks/eventgrid?functionName=nobody&code="
        for name, status in (("eventgrid_extension", 404), ("blobs_extension", 401), ("_master", 404)):
            async with http.post(webhook + keys[name]) as response:
                assert response.status == status

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [("GET", "nobody/keys", 404), ("GET", "echo/keys/none", 404), ("PUT", "echo/keys/x", 400)],
    )
    async def test_what_does_not_exist_is_not_found(self, guarded, http, method, path, status) -> None:
        async with http.request(method, f"{guarded.url}/admin/functions/{path}", headers=MASTER) as response:
            assert response.status == status
