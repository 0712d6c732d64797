"""How an app is found, imported and indexed, each time by a real host process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from localazure.host.settings import Settings
from localazure.host.storage import StorageClients
from localazure.tls import ensure_tls

EMPTY_APP = "import azure.functions as func\napp = func.FunctionApp()\n"
HELLO = """
import azure.functions as func
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route(route="hello")
def hello(req: func.HttpRequest) -> str:
    return "hello"
"""
CONFIGURED = """
import os
import azure.functions as func
app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.function_name("x")
@app.route()
def python_name(req: func.HttpRequest) -> str:
    return "renamed"

@app.route()
def plain_name(req: func.HttpRequest) -> str:
    return os.environ["NAME"] + os.environ["OTHER"]

@app.route()
def forbidden(req: func.HttpRequest) -> str:
    return "never"
"""
ACTIVITY = """
@app.activity_trigger(input_name="value")
def f(value: str) -> str:
    return value
"""


@pytest.fixture(scope="module")
def mistakes(module_hosts: Any, azurite: str) -> Any:
    """A host of an app in which most functions are wrong in one way."""
    return module_hosts.start("mistakes", AzureWebJobsStorage=azurite)


@pytest.fixture(scope="module")
def configured(module_hosts: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    root = tmp_path_factory.mktemp("configured")
    (root / "function_app.py").write_text(CONFIGURED)
    http = '{"http": {"routePrefix": "from-the-file"}}'
    allowed = '["x", "plain_name"]'
    (root / "host.json").write_text(f'{{"version": "2.0", "functions": {allowed}, "extensions": {http}}}')
    values = '{"NAME": "file", "OTHER": "file"}'
    (root / "local.settings.json").write_text(f'{{"IsEncrypted": false, "Values": {values}}}')
    prefix = {"AzureFunctionsJobHost__extensions__http__routePrefix": "v1"}
    return module_hosts.start(root, state="configured", NAME="environment ", **prefix)


@pytest.fixture
def errors_of(mistakes: Any, http: aiohttp.ClientSession) -> Any:
    async def errors_of(function: str) -> list[str]:
        async with http.get(f"{mistakes.url}/admin/functions/{function}/status") as response:
            return (await response.json()).get("errors", [])

    return errors_of


def _refused(host: Any) -> list[str]:
    """The lines that a host prints which cannot start."""
    host.process.communicate(timeout=20)
    assert (host.process.returncode, host.facts) == (1, {})
    return str(host.log_text()).splitlines()


async def _listed(http: aiohttp.ClientSession, host: Any) -> list[str]:
    async with http.get(f"{host.url}/admin/functions") as response:
        return [item["name"] for item in await response.json()]


async def test_h001_app_without_functions_starts_lists_none_and_says_so(hosts, app_of, http) -> None:
    host = hosts.start(app_of(EMPTY_APP))
    assert await _listed(http, host) == []
    assert "Warning: No functions found: function_app.py has an app without any." in host.log_text()


@pytest.mark.parametrize(
    ("code", "names"),
    [
        ("func.FunctionApp()", []),
        ("func.AsgiFunctionApp(app=None)", ["http_app_func"]),
        ("func.WsgiFunctionApp(app=None)", ["http_app_func"]),
        (f"df.DFApp(){ACTIVITY}", ["f"]),
    ],
    ids=["FunctionApp", "AsgiFunctionApp", "WsgiFunctionApp", "DFApp"],
)
async def test_h002_every_kind_of_app_is_found_also_under_two_names(hosts, app_of, http, code, names) -> None:
    imports = "import azure.functions as func\nimport azure.durable_functions as df\n"
    host = hosts.start(app_of(f"{imports}app = again = {code}\n"))
    assert await _listed(http, host) == names


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("app = None", "Could not find top level function app instances in function_app.py."),
        (
            "a = func.FunctionApp()\nb = func.FunctionApp()",
            "More than one FunctionApp or other top level function app instances are defined.",
        ),
    ],
    ids=["none", "two"],
)
def test_h003_no_app_object_or_two_of_them_stop_the_start(hosts, app_of, code, line) -> None:
    assert _refused(hosts.start(app_of(f"import azure.functions as func\n{code}\n"))) == [line]


async def test_h004_script_name_can_be_set(hosts, app_of, http) -> None:
    host = hosts.start(app_of(HELLO, script="main.py"), PYTHON_SCRIPT_FILE_NAME="main.py")
    assert await _listed(http, host) == ["hello"]


async def test_h005_functions_are_asked_for_once(hosts, app_of) -> None:
    counting = """
class Counting(func.FunctionApp):
    def get_functions(self):
        print("asked", flush=True)
        return super().get_functions()
app = Counting()
"""
    host = hosts.start(app_of("import azure.functions as func\n" + counting))
    host.process.send_signal(15)
    assert host.process.communicate(timeout=20)[0].decode().count("asked") == 1


class TestConfiguration:
    """One host that is told things by its environment, host.json and local.settings.json."""

    async def test_h006_given_name_is_listed_else_the_python_name(self, configured, http) -> None:
        assert await _listed(http, configured) == ["forbidden", "plain_name", "x"]

    async def test_h014_only_allowed_functions_run(self, configured, http) -> None:
        for path, status in (("x", 200), ("plain_name", 200), ("forbidden", 404)):
            async with http.get(f"{configured.url}/v1/{path}") as response:
                assert response.status == status
        assert "forbidden" in await _listed(http, configured)

    async def test_h016_environment_overrides_host_json(self, configured, http) -> None:
        for path, status in (("v1/x", 200), ("api/x", 404), ("from-the-file/x", 404)):
            async with http.get(f"{configured.url}/{path}") as response:
                assert response.status == status

    async def test_h017_environment_wins_over_the_settings_file(self, configured, http) -> None:
        async with http.get(f"{configured.url}/v1/plain_name") as response:
            assert await response.text() == "environment file"


async def test_h007_functions_of_plain_and_durable_blueprints_are_listed_and_work(mistakes, http) -> None:
    assert {"of_plain_blueprint", "of_durable_blueprint"} <= set(await _listed(http, mistakes))
    async with http.get(f"{mistakes.url}/api/of_plain_blueprint") as response:
        assert await response.text() == "plain"
    async with http.post(f"{mistakes.url}/admin/functions/of_durable_blueprint", json={"input": "{}"}) as response:
        assert response.status == 202
    await mistakes.logged("Executed 'Functions.of_durable_blueprint' (Succeeded")


def test_h008_duplicate_name_stops_the_start_in_the_words_of_the_sdk(hosts, app_of) -> None:
    function = "@app.function_name('f')\n@app.route(route='r')\ndef {}(req): ...\n"
    lines = _refused(hosts.start(app_of(EMPTY_APP + function.format("a") + function.format("b"))))
    assert lines[0] == (
        "function_app.py: ValueError: Function f does not have a unique function name."
        " Please change @app.function_name() or the function method name to be unique."
    )


async def test_h009_second_of_two_names_that_differ_in_case_is_rejected(mistakes, http) -> None:
    # Both answer to one name in the admin API, so the listing of the whole host tells what is wrong.
    async with http.get(f"{mistakes.url}/admin/host/status") as response:
        errors = (await response.json())["errors"]
    assert "The function name 'WORKS' must be unique within the function app, ignoring case." in errors
    for path, status in (("works", 200), ("in-capitals", 404)):
        async with http.get(f"{mistakes.url}/api/{path}") as response:
            assert response.status == status


async def test_h010_parameter_without_a_binding_excludes_its_function(mistakes, http, errors_of) -> None:
    assert await errors_of("has_unbound_parameter") == [
        (
            "cannot load the has_unbound_parameter function: the following parameters are declared in Python but not in"
            " function.json: {'other'}"
        )
    ]
    for path, status in (("has_unbound_parameter", 404), ("works", 200)):
        async with http.get(f"{mistakes.url}/api/{path}") as response:
            assert response.status == status


async def test_h011_binding_without_a_parameter_excludes_its_function(mistakes, http, errors_of) -> None:
    assert await errors_of("lacks_parameter") == [
        (
            "cannot load the lacks_parameter function: the following parameters are declared in function.json but not"
            " in Python: {'out'}"
        )
    ]
    for path, status in (("lacks_parameter", 404), ("works", 200)):
        async with http.get(f"{mistakes.url}/api/{path}") as response:
            assert response.status == status


async def test_h012_undefined_setting_excludes_its_function_and_is_named(errors_of) -> None:
    [error] = await errors_of("lacks_setting")
    assert error == "'%UNSET_QUEUE%' does not resolve to a value: the setting 'UNSET_QUEUE' is not defined."
    assert await errors_of("works") == []


@pytest.mark.parametrize(
    ("host_json", "line"),
    [
        ('{"version": "1.0"}', 'host.json: "version" must be "2.0" (found: \'1.0\')'),
        ("{}", 'host.json: "version" must be "2.0" (found: none)'),
    ],
)
def test_h015_other_version_or_none_stops_the_start(hosts, app_of, host_json, line) -> None:
    assert _refused(hosts.start(app_of(EMPTY_APP, host_json))) == [line]


async def test_h015_without_a_file_the_defaults_count(hosts, app_of, http) -> None:
    host = hosts.start(app_of(HELLO, host_json=None))
    async with http.get(f"{host.url}/api/hello") as response:
        assert response.status == 200
    async with http.get(f"{host.url}/admin/host/config") as response:
        assert await response.json() == {"version": "2.0"}


class TestIdentityBasedConnection:
    @pytest.mark.parametrize(
        ("settings", "url"),
        [
            ({"X__accountName": "shop"}, "https://shop.queue.core.windows.net/orders"),
            ({"X__accountName": "shop", "X__queueServiceUri": "https://q.example"}, "https://q.example/orders"),
        ],
    )
    async def test_h018_section_of_settings_leads_to_the_account(self, settings, url) -> None:
        clients = StorageClients(Settings(settings))
        assert clients.queue("X", "orders").url == url
        await clients.close()

    @pytest.fixture
    async def account(self, tmp_path: Path) -> AsyncIterator[_Account]:
        account = _Account()
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", account.answer)
        runner = web.AppRunner(app)
        await runner.setup()
        files = ensure_tls(tmp_path / "tls", now=datetime.now(UTC))
        for context in (None, files.server_context()):  # tokens come over http, queues over TLS
            await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        tokens, queues = (address[1] for address in runner.addresses)
        account.settings = {
            "IDENTITY_ENDPOINT": f"http://127.0.0.1:{tokens}/token",
            "IDENTITY_HEADER": "header",
            "SSL_CERT_FILE": str(files.bundle),
            "X__accountName": "ignored-for-queues",
            "X__queueServiceUri": f"https://127.0.0.1:{queues}/shop",
        }
        yield account
        await runner.cleanup()

    async def test_h018_queue_trigger_listens_with_a_token(self, hosts, app_of, account, eventually) -> None:
        code = EMPTY_APP + (
            '@app.queue_trigger(arg_name="message", queue_name="orders", connection="X")\n'
            "def f(message: str) -> None: ...\n"
        )
        host = await asyncio.to_thread(hosts.start, app_of(code), **account.settings)
        await eventually(lambda: bool(account.requests), explain=host.log_text)
        assert account.requests[0] == ("GET", "/shop/orders/messages", "Bearer the-token")

    async def test_connection_that_leads_nowhere_is_reported_and_others_work(self, hosts, app_of, http) -> None:
        code = HELLO + (
            '\n@app.queue_trigger(arg_name="message", queue_name="orders", connection="X")\n'
            "def f(message: str) -> None: ...\n"
        )
        host = hosts.start(app_of(code), X__queueServiceUri="http://127.0.0.1:1/shop")
        assert "The listener for function 'f' was unable to start: The connection 'X' leads to no" in host.log_text()
        async with http.get(f"{host.url}/api/hello") as response:
            assert response.status == 200


class _Account:
    """Tokens for everybody, and a queue service without queues that remembers who asked."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, str]] = []
        self.settings: dict[str, str] = {}

    async def answer(self, request: web.Request) -> web.Response:
        if request.path == "/token":
            token = {"access_token": "the-token", "expires_on": "4102444800", "token_type": "Bearer"}
            return web.json_response(token | {"resource": "https://storage.azure.com/"})
        self.requests.append((request.method, request.path, request.headers.get("Authorization", "")))
        return web.Response(status=404, headers={"x-ms-error-code": "QueueNotFound"})
