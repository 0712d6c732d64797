"""What the host does when it starts and stops, and how it says that an app cannot be run."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import Any

import aiohttp

EMPTY_APP = "import azure.functions as func\napp = func.FunctionApp()\n"
HELLO = """
import azure.functions as func
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route(route="hello")
def hello(req: func.HttpRequest) -> str:
    return "hello"
"""


async def test_h020_one_pool_thread_serialises_plain_functions(hosts, app_of, http) -> None:
    code = """
import threading, time
import azure.functions as func
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
running = []

@app.route(route="overlap")
def overlap(req: func.HttpRequest) -> str:
    running.append(1)
    most = len(running)
    time.sleep(0.1)
    running.pop()
    return str(most)
"""

    host = hosts.start(app_of(code), PYTHON_THREADPOOL_THREAD_COUNT="1")

    async def overlap() -> str:
        async with http.get(f"{host.url}/api/overlap") as response:
            return await response.text()

    assert await asyncio.gather(*(overlap() for _ in range(3))) == ["1", "1", "1"]


async def test_only_so_many_requests_run_at_once_as_host_json_allows(hosts, app_of, http) -> None:
    code = """
import asyncio
import azure.functions as func
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
running = []

@app.route(route="overlap")
async def overlap(req: func.HttpRequest) -> str:
    running.append(1)
    await asyncio.sleep(0.05)
    most = len(running)
    running.pop()
    return str(most)
"""
    host_json = '{"version": "2.0", "extensions": {"http": {"maxConcurrentRequests": 2}}}'
    host = hosts.start(app_of(code, host_json))

    async def overlap() -> str:
        async with http.get(f"{host.url}/api/overlap") as response:
            return await response.text()

    assert set(await asyncio.gather(*(overlap() for _ in range(8)))) <= {"1", "2"}


async def test_request_that_runs_while_the_host_stops_can_still_start_an_orchestration(hosts, app_of, http) -> None:
    code = """
import asyncio
import pathlib
import azure.durable_functions as df
import azure.functions as func
app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route()
@app.durable_client_input(client_name="client")
async def begin(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    while not pathlib.Path("go").exists():
        await asyncio.sleep(0.01)
    return func.HttpResponse(await client.start_new("wait"))

@app.orchestration_trigger(context_name="context")
def wait(context: df.DurableOrchestrationContext):
    return (yield context.wait_for_external_event("go"))
"""
    root = app_of(code)
    host = hosts.start(root)

    async def begin() -> tuple[int, str]:
        async with http.get(f"{host.url}/api/begin") as response:
            return response.status, await response.text()

    request = asyncio.create_task(begin())
    await host.logged("Executing 'Functions.begin'")
    stopped = asyncio.create_task(asyncio.to_thread(host.stop))
    async with asyncio.timeout(10):
        while (await _status(http, host)) != 503:
            pass
    (root / "go").touch()
    status, instance_id = await request
    assert (status, await stopped) == (200, 0), host.log_text()
    again = hosts.start(root)
    async with http.get(f"{again.url}/runtime/webhooks/durabletask/instances/{instance_id}") as response:
        assert response.status == 202


async def _status(http: aiohttp.ClientSession, host: Any) -> int:
    async with http.get(f"{host.url}/admin/host/status") as response:
        return response.status


def test_taken_port_ends_with_code_3_and_names_port_and_option(hosts, app_of) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        host = hosts.start(app_of(EMPTY_APP), "--port", str(port))
        host.process.communicate(timeout=20)
    assert host.process.returncode == 3
    assert f"Port {port} is taken" in host.log_text()
    assert "--port" in host.log_text()


async def test_stopping_lets_a_running_request_end(hosts, http) -> None:

    host = hosts.start("http")

    async def slow() -> tuple[int, str]:
        async with http.get(f"{host.url}/api/slow?seconds=0.4") as response:
            return response.status, await response.text()

    request = asyncio.create_task(slow())
    await host.logged("Executing 'Functions.slow'")
    stopped = asyncio.to_thread(host.stop)
    assert await asyncio.gather(request, stopped) == [(200, "done"), 0]


async def test_host_ends_when_its_server_is_gone(hosts, app_of) -> None:

    host = hosts.start(app_of(EMPTY_APP))
    os.close(host._parent_end)
    assert host.process.wait(timeout=20) == 0


async def test_h047_asgi_app_is_served_and_its_lifespan_ran_once(hosts, app_of, http) -> None:
    code = """
import json
import azure.functions as func

started = []

async def asgi(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        started.append(1)
        await send({"type": "lifespan.startup.complete"})
        await receive()
        return
    body = (await receive())["body"].decode()
    seen = {"path": scope["path"], "query": scope["query_string"].decode(), "body": body, "starts": len(started)}
    seen["given"] = dict(scope["headers"]).get(b"x-given", b"").decode()
    headers = [(b"content-type", b"application/json"), (b"x-twice", b"1"), (b"x-twice", b"2")]
    await send({"type": "http.response.start", "status": 201, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(seen).encode()})

app = func.AsgiFunctionApp(app=asgi, http_auth_level=func.AuthLevel.ANONYMOUS)
"""
    host = hosts.start(app_of(code), AzureFunctionsJobHost__extensions__http__routePrefix="")
    for _ in range(2):
        async with http.post(f"{host.url}/a/b?c=d", data="hi", headers={"X-Given": "yes"}) as response:
            assert response.status == 201, host.log_text()
            assert response.headers.getall("x-twice") == ["1", "2"]
            expected = {"path": "/a/b", "query": "c=d", "body": "hi", "starts": 1, "given": "yes"}
            assert await response.json() == expected


async def test_h048_wsgi_app_is_served(hosts, app_of, http) -> None:
    code = """
import azure.functions as func

def wsgi(environ, start_response):
    seen = "{PATH_INFO} {QUERY_STRING} {HTTP_X_GIVEN}".format(**environ)
    start_response("202 Accepted", [("Content-Type", "text/plain"), ("X-Seen", seen)])
    return [environ["wsgi.input"].read()]

app = func.WsgiFunctionApp(app=wsgi, http_auth_level=func.AuthLevel.ANONYMOUS)
"""
    host = hosts.start(app_of(code), AzureFunctionsJobHost__extensions__http__routePrefix="")
    async with http.post(f"{host.url}/a/b?c=d", data="hi", headers={"X-Given": "yes"}) as response:
        assert (response.status, response.headers["X-Seen"]) == (202, "/a/b c=d yes"), host.log_text()
        assert await response.text() == "hi"


async def test_h045_cors_allows_only_the_listed_origins(hosts, app_of, http) -> None:
    root = app_of(HELLO)
    (root / "local.settings.json").write_text(
        '{"IsEncrypted": false, "Host": {"CORS": "https://a.example", "CORSCredentials": true}}'
    )
    host = hosts.start(root)
    asks = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-thing"}
    async with http.options(f"{host.url}/api/hello", headers={"Origin": "https://a.example"} | asks) as response:
        assert response.status == 204
        assert response.headers["Access-Control-Allow-Origin"] == "https://a.example"
        assert response.headers["Access-Control-Allow-Methods"] == "PUT"
        assert response.headers["Access-Control-Allow-Headers"] == "x-thing"
        assert response.headers["Access-Control-Allow-Credentials"] == "true"
    async with http.options(f"{host.url}/api/hello", headers={"Origin": "https://b.example"} | asks) as response:
        assert "Access-Control-Allow-Origin" not in response.headers
    async with http.get(f"{host.url}/api/hello", headers={"Origin": "https://a.example"}) as response:
        assert response.headers["Access-Control-Allow-Origin"] == "https://a.example"
