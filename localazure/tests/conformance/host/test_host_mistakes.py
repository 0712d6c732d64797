"""What a person reads who has made a mistake in an app: one clear message each, the same ones as in docs/host.md."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from localazure.clock import SystemClock
from localazure.errors import ConfigError
from localazure.host.app import load_app
from localazure.host.server import Host, HostOptions

APP = "import azure.functions as func\napp = func.FunctionApp()\n"
DOCUMENT = (Path(__file__).parents[3] / "docs" / "host.md").read_text()


@pytest.fixture(scope="module")
def mistakes(module_hosts: Any, azurite: str) -> Any:
    """A host of an app in which most functions are wrong in one way."""
    return module_hosts.start("mistakes", AzureWebJobsStorage=azurite, BAD_COSMOS="no connection string")


@pytest.fixture
def refusal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Path], str]:
    """The line that a host prints which cannot start on an app, found in this process: that is quicker."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    monkeypatch.setattr(sys, "path", [*sys.path])
    monkeypatch.delitem(sys.modules, "function_app", raising=False)

    def refusal(root: Path) -> str:
        with pytest.raises(ConfigError) as refused:
            Host(load_app(root, 0, lambda _: None), HostOptions("127.0.0.1", 0, tmp_path / "state"), SystemClock())
        sys.modules.pop("function_app", None)
        assert "\n" not in str(refused.value)
        return str(refused.value)

    return refusal


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("def broken(:\n", "function_app.py:3: SyntaxError: invalid syntax"),
        (
            "import no_such_module\n",
            (
                "function_app.py: ModuleNotFoundError: No module named 'no_such_module'."
                " Is it in requirements.txt and installed?"
            ),
        ),
        ("1 / 0\n", "function_app.py: ZeroDivisionError: division by zero"),
        (
            "@app.function_name('f')\ndef f(): ...\n",
            (
                "function_app.py: ValueError: Function f does not have a trigger."
                " A valid function must have one and only one trigger registered."
            ),
        ),
    ],
    ids=["syntax", "module", "exception", "no trigger"],
)
def test_app_that_cannot_be_imported_is_refused(hosts, app_of, code, line) -> None:
    host = hosts.start(app_of(APP + code))
    host.process.communicate(timeout=20)
    assert host.process.returncode == 1
    first, *details = host.log_text().splitlines()
    assert first == line
    assert not any("localazure" in detail for detail in details), "the user's frames alone"


def test_folder_without_an_app_is_refused_with_the_name_of_the_file(hosts, tmp_path) -> None:
    host = hosts.start(tmp_path)
    host.process.communicate(timeout=20)
    assert (host.process.returncode, host.log_text()) == (1, f"function_app.py was not found in {tmp_path}\n")


@pytest.mark.parametrize(
    ("host_json", "line"),
    [
        ('{"version": "2.0",}', "host.json is not valid JSON: "),
        (
            '{"version": "2.0", "extensions": {"queues": {"batchSize": 33}}}',
            "host.json: extensions.queues.batchSize: 33 is not between 1 and 32",
        ),
        (
            '{"version": "2.0", "extensions": {"queues": {"messageEncoding": "utf8"}}}',
            "host.json: extensions.queues.messageEncoding: 'utf8' is none of base64, none",
        ),
        (
            '{"version": "2.0", "extensions": {"blobs": {"maxDegreeOfParallelism": 0}}}',
            "host.json: extensions.blobs.maxDegreeOfParallelism: 0 is not between 1 and 2147483648",
        ),
        ('{"version": "2.0", "extensions": []}', "host.json: extensions: [] is not an object"),
        ('{"version": "2.0", "functions": "hello"}', "host.json: functions: 'hello' is not a list"),
        (
            '{"version": "2.0", "functionTimeout": "5 minutes"}',
            "host.json: functionTimeout: '5 minutes' is not a time span (hh:mm:ss or d.hh:mm:ss)",
        ),
        (
            '{"version": "2.0", "extensions": {"durableTask": {"hubName": "1"}}}',
            "host.json: extensions.durableTask.hubName must be a letter and 2 to 44 letters or digits, not '1'",
        ),
    ],
    ids=["JSON", "range", "word", "blobs", "object", "list", "time span", "hub"],
)
def test_bad_host_json_is_refused_with_its_key(refusal, app_of, host_json, line) -> None:
    assert refusal(app_of(APP, host_json)).startswith(line)


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ('{"IsEncrypted": true}', "local.settings.json: the settings are encrypted; decrypt them or set"),
        ('{"IsEncrypted": false, "Values": {"A": {"b": 1}}}', "local.settings.json: Values.A must be a single value"),
        (
            '{"IsEncrypted": false, "Host": {"LocalHttpPort": "many"}}',
            "local.settings.json: Host.LocalHttpPort: 'many' is not a port number",
        ),
    ],
    ids=["encrypted", "nested", "port"],
)
def test_bad_settings_file_is_refused_with_its_key(refusal, app_of, settings, line) -> None:
    root = app_of(APP)
    (root / "local.settings.json").write_text(settings)
    assert refusal(root).startswith(line)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (
            "has_bad_schedule",
            "The schedule expression '0 61 * * * *' was not recognized as a valid cron expression or timespan string.",
        ),
        (
            "lacks_setting",
            "'%UNSET_QUEUE%' does not resolve to a value: the setting 'UNSET_QUEUE' is not defined.",
        ),
        (
            "lacks_connection",
            "The connection 'NO_SUCH_ACCOUNT' does not exist. Make sure that it is a defined App Setting.",
        ),
        (
            "lacks_cosmos_connection",
            "The connection 'NO_SUCH_COSMOS' does not exist. Make sure that it is a defined App Setting.",
        ),
        (
            "has_unknown_trigger",
            (
                "The binding type(s) 'eventHubTrigger' are not registered. Please ensure the type is correct and the"
                " binding extension is installed: localazure has no such binding."
            ),
        ),
        (
            "has_unknown_binding",
            (
                "The binding type(s) 'table' are not registered. Please ensure the type is correct and the"
                " binding extension is installed: localazure has no such binding."
            ),
        ),
        ("has_parameter_twice", "The route 'twice/{id}/{ID}' is invalid: the parameter 'id' appears more than once."),
        (
            "has_bad_queue_name",
            (
                "The queue name 'bad_name' is invalid: it must have 3 to 63 letters, digits and single dashes, and no"
                " dash at either end."
            ),
        ),
        ("has_bad_route", "The constraint reference 'nonsense' could not be resolved."),
        (
            "has_reserved_route",
            "The specified route conflicts with one or more built in routes: no route may begin like 'admin/users'.",
        ),
        ("has_bad_path", "Invalid template 'files/{name': a curly bracket has no counterpart."),
        (
            "has_unbound_parameter",
            (
                "cannot load the has_unbound_parameter function: the following parameters are declared in Python but"
                " not in function.json: {'other'}"
            ),
        ),
        (
            "lacks_parameter",
            (
                "cannot load the lacks_parameter function: the following parameters are declared in function.json but"
                " not in Python: {'out'}"
            ),
        ),
        (
            "has_wrong_type",
            (
                'cannot load the has_wrong_type function: type of req binding in function.json "httpTrigger" does not'
                ' match its Python annotation "int"'
            ),
        ),
        (
            "has_builtin_generic",
            (
                "cannot load the has_builtin_generic function: binding value has invalid non-type annotation"
                " dict[str, int] (use typing.Dict[...] or dict, typing.List[...] or list)"
            ),
        ),
    ],
)
async def test_mistake_in_one_function_is_told_once_and_the_others_work(mistakes, http, function, message) -> None:
    async with http.get(f"{mistakes.url}/admin/functions/{function}/status") as response:
        assert await response.json() == {"errors": [message]}
    assert mistakes.log_text().count(f"Error: The '{function}' function is in error: {message}\n") == 1
    async with http.get(f"{mistakes.url}/api/works") as response:
        assert response.status == 200


async def test_connection_that_leads_to_no_cosmos_account_is_told_once(mistakes) -> None:
    told = (
        "The listener for function 'has_bad_cosmos_connection' was unable to start: The connection 'BAD_COSMOS' leads"
        " to no Cosmos DB account: a connection string is AccountEndpoint=https://...;AccountKey=...;"
    )
    await mistakes.logged(told)
    assert mistakes.log_text().count(told) == 1


def test_slip_of_the_pen_in_host_json_is_a_warning(mistakes) -> None:
    warning = "host.json: extensions.queues.batchsise is not known and has no effect; is batchSize meant?"
    assert mistakes.log_text().count(warning) == 1


@pytest.mark.parametrize(
    "words",
    [
        "SyntaxError",
        "Is it in requirements.txt and installed?",
        "does not have a unique function name",
        "was not recognized as a valid cron expression",
        "does not resolve to a value",
        "are not registered",
        "is not known and has no effect",
        "could not be resolved",
        "does not exist. Make sure that it is a defined App Setting",
        "declared in Python but not in function.json",
        "was not found in",
        "No functions found",
        "appears more than once",
        "it must have 3 to 63 letters, digits and single dashes",
        "leads to no Cosmos DB account",
    ],
)
def test_document_lists_the_message(words) -> None:
    assert words in DOCUMENT
