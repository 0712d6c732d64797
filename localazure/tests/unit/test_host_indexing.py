"""From decorated functions to hosted ones: what is checked and in which words it is refused."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, List, Optional, Tuple  # noqa: UP035  # what the SDK's and the worker's own checks take

import azure.durable_functions as df
import azure.functions as func
import pytest
from localazure.errors import ConfigError
from localazure.host.app_loader import load_functions
from localazure.host.functions import HostedFunction
from localazure.host.index import Index, build_index
from localazure.host.settings import Settings
from localazure.host.trigger_kinds import TRIGGER_KINDS

CHECKS = {name: kind.check for name, kind in TRIGGER_KINDS.items()}


def _index(app: func.FunctionRegister, allowed: list[str] | None = None, **settings: str) -> Index:
    known = {"C": "an account", "AzureWebJobsStorage": "an account"} | settings
    return build_index(app.get_functions(), Settings(known), allowed, CHECKS)


def _only(app: func.FunctionRegister, **settings: str) -> HostedFunction:
    [function] = _index(app, **settings).functions
    return function


@pytest.fixture
def app() -> df.DFApp:
    return df.DFApp()


class TestSignatures:
    def test_h010_parameter_without_binding_is_refused(self, app) -> None:
        @app.route()
        def f(req: func.HttpRequest, other: str) -> str: ...

        assert _only(app).errors == (
            (
                "cannot load the f function: the following parameters are declared in Python but not in function.json:"
                " {'other'}"
            ),
        )

    def test_h011_binding_without_parameter_is_refused(self, app) -> None:
        @app.route()
        @app.queue_output(arg_name="out", queue_name="orders", connection="C")
        def f(req: func.HttpRequest) -> str: ...

        assert _only(app).errors == (
            (
                "cannot load the f function: the following parameters are declared in function.json but not in Python:"
                " {'out'}"
            ),
        )

    def test_output_must_be_annotated_as_out(self, app) -> None:
        @app.route()
        @app.queue_output(arg_name="out", queue_name="orders", connection="C")
        def f(req: func.HttpRequest, out: str) -> str: ...

        assert "its annotation in Python is not azure.functions.Out" in _only(app).errors[0]

    def test_input_must_not_be_annotated_as_out(self, app) -> None:
        @app.route()
        def f(req: func.Out[str]) -> str: ...

        assert "its annotation in Python is azure.functions.Out" in _only(app).errors[0]

    def test_type_must_fit_the_binding(self, app) -> None:
        @app.route()
        def f(req: int) -> str: ...

        assert _only(app).errors == (
            (
                'cannot load the f function: type of req binding in function.json "httpTrigger" does not match its'
                ' Python annotation "int"'
            ),
        )

    def test_unresolvable_annotation_is_refused(self, app) -> None:
        @app.route()
        def f(req: NoSuchType) -> str: ...  # noqa: F821  # what is tested

        assert "an annotation cannot be resolved" in _only(app).errors[0]

    def test_context_must_be_a_context(self, app) -> None:
        @app.route()
        def f(req: func.HttpRequest, context: int) -> str: ...

        assert 'the "context" parameter is expected to be of type azure.functions.Context' in _only(app).errors[0]

    @pytest.mark.parametrize("annotation", [str, bytes])
    def test_text_and_bytes_bypass_the_converter(self, app, annotation) -> None:
        def f(message): ...

        f.__annotations__["message"] = annotation
        app.queue_trigger(arg_name="message", queue_name="orders", connection="C")(f)
        assert _only(app).raw_parameters == {"message"}

    def test_lists_of_text_are_queue_outputs(self, app) -> None:
        @app.route()
        @app.queue_output(arg_name="out", queue_name="orders", connection="C")
        def f(req: func.HttpRequest, out: func.Out[List[str]]) -> str: ...  # noqa: UP006  # as above

        assert _only(app).errors == ()

    def test_durable_client_takes_text_whatever_the_annotation(self, app) -> None:
        @app.route()
        @app.durable_client_input(client_name="client")
        async def f(req: func.HttpRequest, client: df.DurableOrchestrationClient) -> str: ...

        function = _only(app)
        assert (function.errors, function.raw_parameters, function.is_async) == ((), {"client"}, True)

    @pytest.mark.parametrize(
        "annotation",
        [list[str], dict[str, int], str | None, Optional[str], Tuple[str, int]],  # noqa: UP006, UP045  # as people write
    )
    def test_annotations_that_the_worker_takes_for_no_type_exclude_their_function(self, app, annotation) -> None:
        def f(value): ...

        f.__annotations__["value"] = annotation
        app.activity_trigger(input_name="value")(f)
        assert "binding value has invalid non-type annotation" in _only(app).errors[0]

    def test_orchestrator_may_call_its_context_what_it_likes_with_a_warning(self, app, caplog) -> None:
        @app.orchestration_trigger(context_name="ctx")
        def f(ctx): ...

        function = _only(app)
        assert (function.errors, function.is_replayed) == ((), True)
        assert "f: context_name='ctx' works here, but the worker in the cloud refuses the app for it" in caplog.text


class TestNames:
    def test_h009_second_of_two_names_that_differ_in_case_is_refused(self, app) -> None:
        for name in ("work", "WORK"):
            app.function_name(name)(app.route(route=name)(_handler()))
        errors = [function.errors for function in _index(app).functions]
        assert errors[0] == ()
        assert "must be unique within the function app" in errors[1][0]

    @pytest.mark.parametrize("name", ["host", "1st", "with space", "x" * 129])
    def test_invalid_function_names_are_refused(self, app, name) -> None:
        app.function_name(name)(app.route(route="r")(_handler()))
        assert "is not a valid function name" in _only(app).errors[0]

    def test_underscore_in_a_binding_name_is_only_a_warning(self, app, caplog) -> None:
        @app.queue_trigger(arg_name="the_message", queue_name="orders", connection="C")
        def f(the_message: str) -> None: ...

        assert _only(app).errors == ()
        assert "'the_message' has an underscore" in caplog.text

    def test_functions_are_ordered_by_name_ignoring_case(self, app) -> None:
        for name in ("b", "A", "c"):
            app.function_name(name)(app.route(route=name)(_handler()))
        assert [function.name for function in _index(app).functions] == ["A", "b", "c"]

    def test_two_functions_with_one_durable_name_are_refused(self, app) -> None:
        for name in ("one", "two"):
            app.function_name(name)(app.activity_trigger(input_name="x", activity="same")(_activity()))
        assert [bool(function.errors) for function in _index(app).functions] == [False, True]

    def test_h007_functions_of_plain_and_durable_blueprints_are_found(self, app) -> None:
        plain, durable = func.Blueprint(), df.Blueprint()
        plain.function_name("plain")(plain.route()(_handler()))
        durable.function_name("durable")(durable.activity_trigger(input_name="x")(_activity()))
        app.register_functions(plain)
        app.register_functions(durable)
        assert [function.name for function in _index(app).functions] == ["durable", "plain"]


def _handler() -> Callable[..., Any]:
    def handler(req: func.HttpRequest) -> str:
        return ""

    return handler


def _activity() -> Callable[..., Any]:
    def activity(x: str) -> str:
        return x

    return activity


class TestSettingsOfFunctions:
    def test_h012_undefined_setting_excludes_only_its_function(self, app) -> None:
        for name, queue in (("good", "%DEFINED%"), ("bad", "%UNDEFINED%")):
            app.function_name(name)(app.queue_trigger(arg_name="m", queue_name=queue, connection="%C%")(_on_message()))
        bad, good = _index(app, DEFINED="real", **{"%C%": "an account"}).functions
        assert "UNDEFINED" in bad.errors[0]
        assert good.trigger.text("queueName") == "real"
        assert good.trigger.text("connection") == "%C%", "a connection is the name of a setting already"

    @pytest.mark.parametrize("setting", ["AzureWebJobs.f.Disabled", "AzureWebJobs_f_Disabled"])
    @pytest.mark.parametrize("value", ["true", "1"])
    def test_h013_function_is_disabled_by_a_setting(self, app, setting, value) -> None:
        app.function_name("f")(app.route()(_handler()))
        function = _only(app, **{setting: value})
        assert function.is_disabled
        assert not function.is_runnable

    def test_h014_function_that_is_not_allowed_is_indexed_but_not_run(self, app) -> None:
        for name in ("a", "b"):
            app.function_name(name)(app.route(route=name)(_handler()))
        index = _index(app, ["A"])
        assert [function.name for function in index.functions] == ["a", "b"]
        assert [function.name for function in index.runnable("httptrigger")] == ["a"]

    def test_retry_policy_is_read(self, app) -> None:
        @app.schedule(arg_name="timer", schedule="0 0 0 * * *")
        @app.retry(
            strategy="exponential_backoff",
            max_retry_count="-1",
            minimum_interval="00:00:02",
            maximum_interval="00:00:10",
        )
        def f(timer: func.TimerRequest) -> None: ...

        policy = _only(app).retry
        assert policy is not None
        assert policy.max_retry_count == -1
        assert [policy.delay_s(attempt, 0.5) for attempt in (0, 1, 5)] == [3, 4, 10]

    @pytest.mark.parametrize("interval", ["00:00:00.500", "1.00:00:00", "5"])
    def test_retry_interval_that_the_cloud_does_not_take_excludes_its_function(self, app, interval) -> None:
        @app.schedule(arg_name="timer", schedule="0 0 0 * * *")
        @app.retry(strategy="fixed_delay", max_retry_count="3", delay_interval=interval)
        def f(timer: func.TimerRequest) -> None: ...

        assert f"delay_interval: '{interval}' is not hh:mm:ss" in _only(app).errors[0]

    def test_retry_policy_without_a_maximum_has_no_bound_that_matters(self, app) -> None:
        @app.schedule(arg_name="timer", schedule="0 0 0 * * *")
        @app.retry(strategy="exponential_backoff", max_retry_count="-1", minimum_interval="00:00:02")
        def f(timer: func.TimerRequest) -> None: ...

        policy = _only(app).retry
        assert policy is not None
        assert policy.delay_s(10, 0.5) == 2 + 1024

    def test_unknown_trigger_excludes_its_function(self, app) -> None:
        @app.event_hub_message_trigger(arg_name="e", event_hub_name="h", connection="C")
        def f(e: str) -> None: ...

        assert "'eventHubTrigger' are not registered" in _only(app).errors[0]

    def test_unknown_input_excludes_its_function(self, app) -> None:
        @app.route()
        @app.generic_input_binding(arg_name="row", type="table", table_name="rows", connection="C")
        def f(req: func.HttpRequest, row: str) -> str: ...

        assert "'table' are not registered" in _only(app).errors[0]

    def test_unknown_output_excludes_its_function(self, app) -> None:
        @app.route()
        @app.service_bus_queue_output(arg_name="out", queue_name="orders", connection="C")
        def f(req: func.HttpRequest, out: func.Out[str]) -> str: ...

        assert "'serviceBus' are not registered" in _only(app).errors[0]

    def test_route_that_is_no_template_excludes_its_function(self, app) -> None:
        app.function_name("f")(app.route(route="{id:nonsense}")(_handler()))
        assert "could not be resolved" in _only(app).errors[0]

    @pytest.mark.parametrize("route", ["admin/users", "administration", "/Runtime"])
    def test_reserved_routes_are_refused_whatever_the_prefix(self, app, route) -> None:
        app.function_name("f")(app.route(route=route)(_handler()))
        assert "conflicts with one or more built in routes" in _only(app).errors[0]

    def test_undefined_connection_excludes_its_function(self, app) -> None:
        @app.route()
        @app.queue_output(arg_name="out", queue_name="orders", connection="NOWHERE")
        def f(req: func.HttpRequest, out: func.Out[str]) -> str: ...

        assert _only(app).errors == (
            "The connection 'NOWHERE' does not exist. Make sure that it is a defined App Setting.",
        )

    def test_retry_policy_of_a_trigger_that_has_none_is_reported(self, app, caplog) -> None:
        @app.queue_trigger(arg_name="m", queue_name="orders", connection="C")
        @app.retry(strategy="fixed_delay", max_retry_count="3", delay_interval="00:00:01")
        def f(m: str) -> None: ...

        assert _only(app).errors == ()
        assert "f: a queueTrigger has no retry policies; this one is ignored." in caplog.text


def _on_message() -> Callable[..., Any]:
    def on_message(m: str) -> None: ...

    return on_message


class TestLoading:
    @pytest.fixture(autouse=True)
    def restored(self, monkeypatch, tmp_path: Path) -> None:
        """Undo what loading does to this process."""
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "path", [*sys.path])
        monkeypatch.delitem(sys.modules, "function_app", raising=False)

    @pytest.mark.parametrize(
        ("code", "line"),
        [
            ("x = 1", "Could not find top level function app instances in function_app.py."),
            (
                "a = func.FunctionApp()\nb = func.FunctionApp()",
                "More than one FunctionApp or other top level function app instances are defined.",
            ),
            (
                "import no_such_module",
                (
                    "function_app.py: ModuleNotFoundError: No module named 'no_such_module'. Is it in requirements.txt"
                    " and installed?"
                ),
            ),
            ("1 / 0", "function_app.py: ZeroDivisionError: division by zero"),
            ("raise SystemExit(3)", "function_app.py: SystemExit: 3"),
            (
                "app = func.FunctionApp()\n@app.function_name('f')\ndef f(): ...",
                (
                    "function_app.py: ValueError: Function f does not have a trigger. A valid function must have one"
                    " and only one trigger registered."
                ),
            ),
        ],
        ids=["h003 none", "h003 two", "missing module", "exception", "exit", "no trigger"],
    )
    def test_app_that_cannot_be_loaded_is_refused_with_one_line(self, tmp_path, code, line) -> None:
        (tmp_path / "function_app.py").write_text(f"import azure.functions as func\n{code}\n")
        with pytest.raises(ConfigError) as refused:
            load_functions(tmp_path, "function_app.py")
        sys.modules.pop("function_app", None)
        assert str(refused.value) == line

    def test_h008_duplicate_name_is_refused_in_the_words_of_the_sdk(self, tmp_path) -> None:
        code = "import azure.functions as func\napp = func.FunctionApp()\n"
        function = "@app.function_name('f')\n@app.route(route='r')\ndef {}(req): ...\n"
        (tmp_path / "function_app.py").write_text(code + function.format("a") + function.format("b"))
        with pytest.raises(ConfigError, match="Function f does not have a unique function name"):
            load_functions(tmp_path, "function_app.py")
        sys.modules.pop("function_app", None)

    def test_traceback_begins_with_the_code_of_the_app(self, tmp_path) -> None:
        (tmp_path / "function_app.py").write_text("def f():\n    1 / 0\nf()\n")
        with pytest.raises(ConfigError) as refused:
            load_functions(tmp_path, "function_app.py")
        lines = refused.value.details.splitlines()
        assert lines[1].endswith('function_app.py", line 3, in <module>')
        assert lines[-1] == "ZeroDivisionError: division by zero"

    @pytest.mark.parametrize("kind", ["FunctionApp()", "AsgiFunctionApp(app=None)", "WsgiFunctionApp(app=None)"])
    def test_h002_every_kind_of_app_is_found_under_two_names(self, tmp_path, kind) -> None:
        (tmp_path / "function_app.py").write_text(f"import azure.functions as func\napp = other = func.{kind}\n")
        names = [function.get_function_name() for function in load_functions(tmp_path, "function_app.py")]
        sys.modules.pop("function_app", None)
        assert names == ([] if kind == "FunctionApp()" else ["http_app_func"])

    def test_missing_script_is_told(self, tmp_path) -> None:
        with pytest.raises(ConfigError, match=r"main\.py was not found"):
            load_functions(tmp_path, "main.py")
