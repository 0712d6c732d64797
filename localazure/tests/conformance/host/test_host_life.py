"""A host that goes on: reloading, JSON logs, a blocked loop."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

APP = """
import asyncio
import logging
import time

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route()
def version(req: func.HttpRequest) -> str:
    logging.info("asked for the version")
    return "one"


@app.route()
async def slow(req: func.HttpRequest) -> str:
    logging.info("record 1")
    await asyncio.sleep(4)
    return "done"


@app.route()
async def block(req: func.HttpRequest) -> str:
    time.sleep(1.6)
    return "blocked"


@app.route()
def fail(req: func.HttpRequest) -> str:
    raise ValueError("on purpose")


@app.route()
@app.durable_client_input(client_name="client")
async def begin(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> func.HttpResponse:
    return client.create_check_status_response(req, await client.start_new("wait"))


@app.orchestration_trigger(context_name="context")
def wait(context: df.DurableOrchestrationContext):
    return (yield context.wait_for_external_event("go"))
"""


async def _version(http: aiohttp.ClientSession, host: Any) -> str:
    try:
        async with http.get(f"{host.url}/api/version") as response:
            return await response.text()
    except aiohttp.ClientError:
        return "between two lives"


def _rewrite(root: Path, *change: str) -> None:
    (root / "function_app.py").write_text(APP.replace(*change))


class TestReload:
    @pytest.fixture
    def root(self, app_of: Any) -> Path:
        return app_of(APP)

    @pytest.fixture
    def host(self, hosts: Any, root: Path) -> Any:
        return hosts.start(root, "--reload")

    async def test_changed_source_runs_with_the_old_address(self, host, root, http, eventually) -> None:
        assert await _version(http, host) == "one"
        _rewrite(root, '"one"', '"another"')

        async def is_new() -> bool:
            return await _version(http, host) == "another"

        await eventually(is_new, within_s=20, explain=host.log_text)
        assert "function_app.py changed: the app is loaded anew." in host.log_text()

    async def test_running_request_ends_and_orchestration_goes_on(self, host, root, http, eventually) -> None:
        async with http.post(f"{host.url}/api/begin") as response:
            links = await response.json()
        slow = asyncio.create_task(http.get(f"{host.url}/api/slow"))
        await host.recorded("slow")
        _rewrite(root, '"one"', '"another"')
        async with await slow as response:
            assert await response.text() == "done"

        async def is_new() -> bool:
            return await _version(http, host) == "another"

        await eventually(is_new, within_s=20, explain=host.log_text)
        async with http.post(links["sendEventPostUri"].replace("{eventName}", "go"), json="gone") as response:
            assert response.status == 202

        async def is_complete() -> bool:
            async with http.get(links["statusQueryGetUri"]) as response:
                return (await response.json())["output"] == "gone"

        await eventually(is_complete, explain=host.log_text)

    async def test_syntax_error_keeps_the_old_code_until_it_is_mended(self, host, root, http, eventually) -> None:
        _rewrite(root, "def version", "deff version")
        await host.logged("function_app.py changed, but cannot be used: what ran before goes on")
        await host.logged("function_app.py:13: SyntaxError: invalid syntax")
        assert await _version(http, host) == "one"
        _rewrite(root, '"one"', '"mended"')

        async def is_mended() -> bool:
            return await _version(http, host) == "mended"

        await eventually(is_mended, within_s=20, explain=host.log_text)


async def test_blocked_loop_is_reported_with_the_functions_name(hosts, app_of, http) -> None:
    host = hosts.start(app_of(APP))
    async with http.get(f"{host.url}/api/block") as response:
        assert await response.text() == "blocked"
    await host.logged(
        "The event loop has been blocked for more than a second by the function 'block' (function_app.py:27 in block)"
    )


async def test_every_line_of_the_json_log_is_an_object(hosts, app_of, http) -> None:
    host = hosts.start(app_of(APP), "--json")
    assert await _version(http, host) == "one"
    async with http.get(f"{host.url}/api/fail") as response:
        assert response.status == 500
    host.stop()

    lines = [json.loads(line) for line in host.log_text().splitlines()]
    assert all({"time", "level", "category", "function", "invocationId", "message"} <= set(line) for line in lines)
    said = next(line for line in lines if line["message"] == "asked for the version")
    assert (said["level"], said["category"], said["function"]) == ("Information", "Function.version.User", "version")
    executing = next(line for line in lines if line["message"].startswith("Executing 'Functions.version'"))
    assert said["invocationId"] == executing["invocationId"]
    assert said["invocationId"] in executing["message"]
    failed = next(line for line in lines if line["level"] == "Error")
    assert failed["message"].splitlines()[1:3] == [
        "Traceback (most recent call last):",
        f'  File "{app_file(host)}", line 33, in fail',
    ]


def app_file(host: Any) -> str:
    return host.process.args[host.process.args.index("--app") + 1] + "/function_app.py"


async def test_verbose_host_tells_more_than_its_host_json_asks_for(hosts, app_of, http, eventually) -> None:
    host = hosts.start(app_of(APP), "--verbose")
    async with http.post(f"{host.url}/api/begin") as response:
        assert response.status == 202
    await host.logged("woken by ExecutionStarted")
