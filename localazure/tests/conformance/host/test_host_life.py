"""A host that goes on: reloading, JSON logs, a blocked loop."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

APP = """
import asyncio
import logging
import pathlib
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
    while not pathlib.Path("go").exists():
        await asyncio.sleep(0.01)
    return "done"


@app.route()
async def block(req: func.HttpRequest) -> str:
    time.sleep(2.2)
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


NEW_CODE_IS_FINE = "function_app.py changed: the app is loaded anew."
OLD_CODE_RUNS = "function_app.py changed, but cannot be used: what ran before goes on until the next change."
NOTHING_RUNS = "function_app.py changed, but cannot be used: nothing runs until the next change."


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

        await self._answers(host, http, eventually, "another")
        assert NEW_CODE_IS_FINE in host.log_text()

    async def test_running_request_ends_and_orchestration_goes_on(self, host, root, http, eventually) -> None:
        async with http.post(f"{host.url}/api/begin") as response:
            links = await response.json()
        slow = asyncio.create_task(http.get(f"{host.url}/api/slow"))
        await host.recorded("slow")
        _rewrite(root, '"one"', '"another"')
        await host.logged(NEW_CODE_IS_FINE)
        (root / "go").touch()
        async with await slow as response:
            assert await response.text() == "done"

        await self._answers(host, http, eventually, "another")
        async with http.post(links["sendEventPostUri"].replace("{eventName}", "go"), json="gone") as response:
            assert response.status == 202

        async def is_complete() -> bool:
            async with http.get(links["statusQueryGetUri"]) as response:
                return (await response.json())["output"] == "gone"

        await eventually(is_complete, explain=host.log_text)

    async def test_syntax_error_keeps_the_old_code_until_it_is_mended(self, host, root, http, eventually) -> None:
        _rewrite(root, "def version", "deff version")
        await host.logged(f"{OLD_CODE_RUNS}\nfunction_app.py:14: SyntaxError: invalid syntax")
        assert await _version(http, host) == "one"
        _rewrite(root, '"one"', '"mended"')

        await self._answers(host, http, eventually, "mended")

    async def test_broken_source_saved_while_the_host_stops_is_waited_for(self, host, root, http, eventually) -> None:
        slow = asyncio.create_task(http.get(f"{host.url}/api/slow"))
        await host.recorded("slow")
        _rewrite(root, '"one"', '"another"')
        await host.logged(NEW_CODE_IS_FINE)
        _rewrite(root, "def version", "deff version")
        (root / "go").touch()
        async with await slow as response:
            assert await response.text() == "done"
        await host.logged(f"{NOTHING_RUNS}\nfunction_app.py:14: SyntaxError: invalid syntax")
        _rewrite(root, '"one"', '"still broken" +')
        await host.logged(f"{NOTHING_RUNS}\nfunction_app.py:16: SyntaxError: invalid syntax")
        _rewrite(root, '"one"', '"mended"')
        await self._answers(host, http, eventually, "mended")
        _rewrite(root, "def version", "deff version")
        await host.logged(OLD_CODE_RUNS)
        assert await _version(http, host) == "mended"
        assert host.stop() == 0, "the process that was started is still the one"

    async def test_restart_onto_broken_code_waits_until_it_is_mended(self, hosts, root, http, eventually) -> None:
        host = hosts.start(root)
        _rewrite(root, "def version", "deff version")
        async with http.post(f"{host.url}/admin/host/restart") as response:
            assert response.status == 200
        await host.logged("The app cannot be loaded: nothing runs until the next change.")
        assert "function_app.py:14: SyntaxError: invalid syntax" in host.log_text()
        _rewrite(root, '"one"', '"mended"')
        await self._answers(host, http, eventually, "mended")
        _rewrite(root, "def version", "deff version")
        async with http.post(f"{host.url}/admin/host/restart") as response:
            assert response.status == 200
        await eventually(lambda: host.log_text().count("nothing runs until") == 2, explain=host.log_text)
        assert host.stop() == 0, "while it waits"

    async def test_host_that_is_started_again_after_a_crash_waits_too(
        self, hosts, host, root, http, eventually
    ) -> None:
        """As its server does it, on the same ports."""
        _rewrite(root, "def version", "deff version")
        host.kill()
        port, rpc_port = (str(urlsplit(host.facts[name]).port) for name in ("url", "rpc"))
        again = hosts.start(root, "--reload", "--port", port, "--rpc-port", rpc_port)
        await again.logged("The app cannot be loaded: nothing runs until the next change.")
        _rewrite(root, '"one"', '"mended"')
        await self._answers(host, http, eventually, "mended")

    def test_first_start_of_a_broken_app_is_refused_though_it_is_watched(self, hosts, root) -> None:
        _rewrite(root, "def version", "deff version")
        host = hosts.start(root, "--reload")
        host.process.communicate(timeout=20)
        assert host.process.returncode == 1

    async def test_bad_option_in_host_json_keeps_the_old_code(self, host, root, http) -> None:
        (root / "host.json").write_text('{"version": "2.0", "extensions": {"queues": {"batchSize": 33}}}')
        await host.logged("host.json changed, but cannot be used: what ran before goes on until the next change.")
        await host.logged("host.json: extensions.queues.batchSize: 33 is not between 1 and 32")
        assert await _version(http, host) == "one"

    async def test_code_that_never_ends_when_it_is_imported_is_forgotten_once_mended(
        self, host, root, http, eventually
    ) -> None:
        _rewrite(root, "app = df", "pathlib.Path('hangs').touch()\ntime.sleep(3600)\napp = df")
        await eventually((root / "hangs").exists, within_s=20, explain=host.log_text)
        assert await _version(http, host) == "one"
        _rewrite(root, '"one"', '"mended"')
        await self._answers(host, http, eventually, "mended")

    async def test_source_saved_while_it_is_being_loaded_counts(self, hosts, root, http, eventually) -> None:
        (root / "later").write_text(APP.replace('"one"', '"later"'))
        save = "pathlib.Path(__file__).write_text(pathlib.Path('later').read_text())"
        (root / "function_app.py").write_text(f"import pathlib\n{save}\n{APP}")
        await self._answers(hosts.start(root, "--reload"), http, eventually, "later")

    @staticmethod
    async def _answers(host: Any, http: aiohttp.ClientSession, eventually: Any, version: str) -> None:
        async def is_there() -> bool:
            return await _version(http, host) == version

        await eventually(is_there, within_s=20, explain=host.log_text)


async def test_blocked_loop_is_reported_with_the_functions_name(hosts, app_of, http) -> None:
    host = hosts.start(app_of(APP))
    async with http.get(f"{host.url}/api/block") as response:
        assert await response.text() == "blocked"
    await host.logged(
        "The event loop has been blocked for more than a second by the function 'block' (function_app.py:29 in block)"
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
        f'  File "{app_file(host)}", line 35, in fail',
    ]


def app_file(host: Any) -> str:
    return host.process.args[host.process.args.index("--app") + 1] + "/function_app.py"


async def test_verbose_host_tells_more_than_its_host_json_asks_for(hosts, app_of, http, eventually) -> None:
    host = hosts.start(app_of(APP), "--verbose")
    async with http.post(f"{host.url}/api/begin") as response:
        assert response.status == 202
    await host.logged("woken by ExecutionStarted")


LOGGING_APP = """
import logging.config

import azure.functions as func

logging.config.dictConfig(
    {
        "version": 1,
        "formatters": {"short": {"format": "SHORT %(message)s"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "short"}},
        "root": {"handlers": ["console"], "level": "ERROR"},
    }
)
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)


@app.route()
def fail(req: func.HttpRequest) -> str:
    logging.error("my own words")
    raise ValueError("on purpose")
"""


async def test_app_that_configures_logging_keeps_its_own_form_and_the_hosts_lines(hosts, app_of, http) -> None:
    host = hosts.start(app_of(LOGGING_APP))
    async with http.get(f"{host.url}/api/fail") as response:
        assert response.status == 500
    await host.logged("\nSHORT my own words\n")
    await host.logged("] [Function.fail] Executing 'Functions.fail'")
    await host.logged("] [Function.fail] Error: Executed 'Functions.fail' (Failed")
    assert "SHORT Exec" not in host.log_text(), "each line once"


async def test_mistake_in_an_app_is_an_object_in_the_json_log_too(hosts, app_of) -> None:
    host = hosts.start(app_of("def broken(:\n"), "--json")
    host.process.communicate(timeout=20)
    [line] = [json.loads(line) for line in host.log_text().splitlines()]
    assert (line["level"], line["message"].splitlines()[0]) == (
        "Critical",
        "function_app.py:1: SyntaxError: invalid syntax",
    )
