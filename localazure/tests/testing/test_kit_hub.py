"""What a test can ask of a hub in its own process."""

from __future__ import annotations

import os
import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest
from localazure.durable.errors import HubInUse, InstanceEnded, InstanceExists, InstanceNotFound, UnknownFunction
from localazure.errors import ConfigError
from localazure.testing import Hub, StillBusy, TestingError, in_turn, life


def test_a_plain_function_drives_an_orchestration_to_its_end(hub: Hub) -> None:
    order = hub.start("approve", {"amount": 3}, instance_id="o-1")
    assert order.runtime_status == "Running"

    order.raise_event("Approval", {"by": "ada"})

    status = order.wait()
    assert (status.instance_id, status.runtime_status, status.output) == ("o-1", "Completed", "charged")
    assert status.input == {"amount": 3}


def test_activities_are_callables_values_and_exceptions(make_hub: Any) -> None:
    async def later(given: int) -> int:
        return given + 1

    hub = make_hub(activities={"charge": lambda given: given * 2})
    assert hub.run("pay", 21).output == 42
    hub.replace("charge", later)
    assert hub.run("pay", 1).output == 2
    hub.replace("charge", {"outcome": "charged"})
    assert hub.run("pay", 1).output == {"outcome": "charged"}
    hub.replace("charge", None)
    assert hub.run("pay", 1).output is None
    hub.replace("charge", ValueError("no such card"))
    failed = hub.run("pay", 1)
    assert failed.runtime_status == "Failed"
    assert "ValueError: no such card" in failed.output


def test_answers_in_turn_end_with_the_last_one(hub: Hub) -> None:
    hub.replace("charge", in_turn(1, lambda given: given, 3))
    assert [hub.run("pay", 2).output for _ in range(4)] == [1, 2, 3, 3]
    with pytest.raises(ValueError, match="at least one"):
        in_turn()


def test_calls_are_recorded_with_input_result_and_error(hub: Hub) -> None:
    hub.run("pay", {"n": 1}, instance_id="a")
    hub.replace("charge", RuntimeError("down"))
    hub.run("pay", {"n": 2}, instance_id="b")

    first, second = hub.calls("charge")
    assert (first.input, first.result, first.outcome, first.number) == ({"n": 1}, "charged", "returned", 1)
    assert (second.error, second.outcome, second.instance_id) == ("RuntimeError: down", "raised", "b")
    assert [call.name for call in hub.calls(kind="orchestrator")] == ["pay"] * 4
    assert hub.instance("a").calls("Charge") == [first]


def test_what_is_not_json_is_refused_as_the_host_refuses_it(hub: Hub) -> None:
    hub.replace("charge", lambda _: object())
    assert hub.run("pay").runtime_status == "Failed"


def test_client_operations(hub: Hub) -> None:
    order = hub.start("approve", instance_id="o-1")
    order.suspend("audit")
    assert order.runtime_status == "Suspended"
    assert "resume()" in order.waits_for()
    order.raise_event("approval")
    order.resume("done")
    assert order.wait().output == "charged"
    with pytest.raises(InstanceEnded):
        order.terminate("too late")

    again = order.restart()
    again.terminate("enough")
    assert (again.wait().runtime_status, again.output) == ("Terminated", "enough")

    again.purge()
    with pytest.raises(InstanceNotFound):
        again.status()
    assert [each.id for each in hub.instances("o-")] == ["o-1"]


def test_a_failed_instance_is_rewound(hub: Hub) -> None:
    hub.replace("charge", in_turn(RuntimeError("down"), "charged"))
    order = hub.start("pay")
    assert order.wait().runtime_status == "Failed"
    order.rewind("repaired")
    assert order.wait().output == "charged"


def test_errors_of_the_hub_pass_unchanged(hub: Hub) -> None:
    hub.start("approve", instance_id="o-1")
    with pytest.raises(InstanceExists):
        hub.start("approve", instance_id="o-1")
    with pytest.raises(UnknownFunction, match="'approve'"):
        hub.start("aprove")
    with pytest.raises(InstanceNotFound):
        hub.instance("o-2")
    with pytest.raises(InstanceNotFound):
        hub.raise_event("o-2", "approval")


def test_a_name_that_is_misspelt_is_refused_with_those_that_there_are(hub: Hub) -> None:
    with pytest.raises(TestingError, match="no activity 'chrage'; there are charge, note"):
        hub.replace("chrage", 1)
    with pytest.raises(TestingError, match="no durable function 'chrage'; there are approve, charge, count, counter"):
        hub.on("chrage")
    with pytest.raises(TestingError, match="no durable function 'chrage'"):
        hub.calls("chrage")


def test_sub_orchestrations_are_instances_of_their_own(hub: Hub) -> None:
    order = hub.start("parent", instance_id="p")
    assert [each.id for each in hub.instances("p")] == ["p", "p:child"]
    assert "sub-orchestration approve, instance 'p:child'" in order.waits_for()
    hub.raise_event("p:child", "approval")
    assert order.wait().output == "charged"


def test_entities_are_signalled_called_and_read(hub: Hub) -> None:
    assert hub.entity("counter", "one") is None
    hub.signal("counter", "one", "add", 2)
    assert hub.run("count", 3).output == 5
    assert hub.entity("Counter", "one") == 5
    assert len(hub.calls(kind="entity")) == 2


def test_an_event_that_is_posted_arrives_as_a_value(make_hub: Any) -> None:
    def listen(context: Any) -> Any:
        return (yield context.wait_for_external_event("word"))

    hub = make_hub(orchestrators=[listen])
    listening = hub.start("listen")
    listening.raise_event("word", {"by": "ada"}, posted=True)
    assert listening.wait().output == {"by": "ada"}


def test_requests_sent_together_run_side_by_side(hub: Hub) -> None:
    with hub.together():
        orders = [hub.start("pay", number) for number in range(20)]
    assert {order.runtime_status for order in orders} == {"Completed"}


def test_user_code_that_does_not_end_is_named(make_hub: Any) -> None:
    gate = threading.Event()
    hub = make_hub(timeout_s=0.2, activities={"charge": lambda _: gate.wait()})
    with pytest.raises(StillBusy, match=r"activity charge of instance 'o-1'"):
        hub.start("pay", instance_id="o-1")
    gate.set()


def test_a_hub_goes_on_in_a_folder_that_was_used_before(make_hub: Any, tmp_path: Path) -> None:
    first = make_hub(state=tmp_path)
    first.start("approve", instance_id="o-1")
    first.close()
    second = make_hub(state=tmp_path)
    second.raise_event("o-1", "approval")
    assert second.instance("o-1").wait().output == "charged"


def test_a_blueprint_runs_with_replaced_activities() -> None:
    blueprint = df.Blueprint()

    @blueprint.orchestration_trigger(context_name="context")
    def greet_twice(context: Any) -> Any:
        first = yield context.call_activity("greet", "a")
        return [first, (yield context.call_activity("other", "b"))]

    @blueprint.activity_trigger(input_name="name")
    def greet(name: str) -> str:
        return f"Hello {name}"

    with Hub(blueprint, activities={"other": "stand-in"}) as hub:
        assert hub.run("greet_twice").output == ["Hello a", "stand-in"]
    with Hub(blueprint, activities={"greet": "stand-in", "other": None}) as hub:
        assert hub.run("greet_twice").output == ["stand-in", None]
        hub.restore("greet")
        assert hub.run("greet_twice").output == ["Hello a", None]


def test_a_whole_app_folder_runs_with_its_activities_entities_and_clients(apps: Path) -> None:
    with Hub(apps / "durable", activities={"refuse": "accepted"}) as hub:
        assert hub.run("greet_all", ["you", "me"]).output == {"greetings": ["Hello you", "Hello me"], "total": 17}
        assert [call.name for call in hub.calls()] == ["greet", "greet", "letters"]
        assert hub.run("count_twice").output == 5
        assert hub.entity("counter", "one") == 5
        assert hub.run("fail_in_activity").runtime_status == "Completed"

        reply = hub.http("POST", "/api/start/WaitForApproval?id=o-1")
        assert (reply.status, reply.json()["id"]) == (202, "o-1")
        hub.raise_event("o-1", "approval", {"by": "ada"})
        assert hub.instance("o-1").wait().output == '{"by": "ada"}'  # the SDK's client sends JSON text
        assert hub.http("GET", "/api/status/o-1").json()["runtimeStatus"] == "Completed"
        assert hub.http("GET", "/runtime/webhooks/durabletask/instances/o-1").json()["name"] == "WaitForApproval"
        assert hub.http("GET", "/api/nowhere").status == 404


def test_an_activity_that_is_called_by_its_python_name_is_replaced_and_met_by_rules(apps: Path) -> None:
    with Hub(apps / "durable", activities={"letters": 0}) as hub:  # the orchestrator calls `count_letters`
        rule = hub.on("count_letters").duplicate()
        assert hub.run("greet_all", ["you"]).output["total"] == 0
        assert (rule.fired, len(hub.calls("count_letters"))) == (1, 1)


def test_a_hub_file_that_another_hub_has_open_is_refused(make_hub: Any, tmp_path: Path) -> None:
    first = make_hub(state=tmp_path)
    with pytest.raises(HubInUse):
        make_hub(state=tmp_path)
    assert first.run("pay").output == "charged"


def test_a_thread_that_does_not_end_makes_a_crash_impossible_and_says_so(
    make_hub: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(life, "LAST_WORDS_S", 0.05)
    began, gate = threading.Event(), threading.Event()
    hub = make_hub(activities={"charge": lambda _: (began.set(), gate.wait())})
    with hub.together():
        hub.start("pay")
        began.wait(5)
        with pytest.raises(TestingError, match=r"1 plain function\(s\) of the app still run"):
            hub.crash()
        gate.set()
        hub.crash()
    assert hub.calls("charge")[0].outcome == "lost"


def test_apps_of_the_same_module_name_live_side_by_side_and_leave_nothing_behind(apps: Path, tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    (tmp_path / "words.py").write_text("WORD = 'other'\n")
    (tmp_path / "function_app.py").write_text(
        "import os, azure.durable_functions as df\nfrom words import WORD\napp = df.DFApp()\n"
        "@app.orchestration_trigger(context_name='context')\ndef say(context):\n    return WORD\n    yield\n"
        "@app.activity_trigger(input_name='given')\ndef where(given: str) -> str:\n    return os.getcwd()\n"
    )
    before = (Path.cwd(), list(sys.path), dict(os.environ), sys.modules.get("function_app"))
    for _ in range(2):
        with Hub(apps / "durable") as hub:
            assert hub.run("greet_all", ["x"]).runtime_status == "Completed"
        with Hub(tmp_path, settings={"COLOUR": "green"}) as hub:
            assert hub.run("say").output == "other"
            assert (os.environ["COLOUR"], Path.cwd()) == ("green", tmp_path)
    assert (Path.cwd(), list(sys.path), dict(os.environ), sys.modules.get("function_app")) == before


def test_modules_that_tests_can_import_are_those_of_the_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    (tmp_path / "function_app.py").write_text(
        "import azure.durable_functions as df\napp = df.DFApp()\nWORD = 'as it is'\n"
        "@app.orchestration_trigger(context_name='context')\ndef say(context):\n    return WORD\n    yield\n"
    )
    monkeypatch.delitem(sys.modules, "function_app", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path))
    declared = import_module("function_app").app.get_functions()
    assert [function.get_function_name() for function in declared] == ["say"]
    with Hub(tmp_path) as hub:
        assert hub.run("say").output == "as it is"
    monkeypatch.setattr("function_app.WORD", "patched")
    with Hub(tmp_path) as hub:
        assert hub.run("say").output == "patched"
    del sys.modules["function_app"]


def test_an_app_that_cannot_be_loaded_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"function_app\.py was not found"):
        Hub(tmp_path)
    with pytest.raises(ConfigError, match="is not a directory"):
        Hub(tmp_path / "nowhere")
    with pytest.raises(TestingError, match="no activity 'greeet'"):
        Hub(Path(__file__).parents[1] / "apps" / "durable", activities={"greeet": 1})
    with pytest.raises(ValueError, match="manual"):
        Hub(time="fast")  # type: ignore[arg-type]  # what is tested


def test_output_bindings_are_recorded_and_input_bindings_refused(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text('{"version": "2.0"}')
    (tmp_path / "function_app.py").write_text(
        "import azure.functions as func, azure.durable_functions as df\napp = df.DFApp()\n"
        "@app.queue_trigger(arg_name='msg', queue_name='incoming', connection='X')\n"
        "@app.queue_output(arg_name='out', queue_name='out', connection='X')\n"
        "def copy(msg: func.QueueMessage, out: func.Out[str]) -> None:\n    out.set(msg.get_body().decode())\n"
    )
    with Hub(tmp_path, settings={"X": "UseDevelopmentStorage=true"}) as hub:
        hub.trigger("copy", '{"n": 1}')
        (written,) = hub.outputs
        assert (written.function, written.properties["queueName"], written.value) == ("copy", "out", {"n": 1})
        with pytest.raises(TestingError, match="no function 'cpoy'; there are copy"):
            hub.trigger("cpoy")
