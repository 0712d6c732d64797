"""Less plain forms of what `localazure lint` finds; the plain ones are the examples of its documentation."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from localazure.lint.linting import lint

HEAD = "import azure.durable_functions as df\nimport logging\nfrom datetime import timedelta\n\napp = df.DFApp()\n"
TIMER = "context.create_timer(context.current_utc_datetime + timedelta(hours=1))"

UNSOUND = {
    "task that is dropped at once": ("unyielded-task", 'context.call_activity("a")'),
    "compound task that is dropped": ("unyielded-task", 'context.task_all([context.call_activity("a")])'),
    "wait that is only looked at": (
        "unyielded-task",
        'w = context.wait_for_external_event("x")\nprinted = w.is_completed',
    ),
    "task that goes from name to name": ("unyielded-task", 'a = context.call_activity("a")\nb = [a]\nc = b'),
    "task that is only logged": ("unyielded-task", 'a = context.call_activity("a")\nlen([a])'),
    "task in a dict that nobody reads": ("unyielded-task", 'd = {}\nd["x"] = context.call_activity("a")'),
    "task that is taken for its result": ("unyielded-task", 'a = context.call_activity("a")\nreturn a["x"]'),
    "method of the result asked of a task": ("unyielded-task", 'a = context.call_activity("a")\nreturn a.get("x")'),
    "orchestrator that returns a task": ("unyielded-task", 'return context.call_activity("a")'),
    "generator helper in task_all": ("unyielded-task", "g = helper(context)"),
    "timer that is made in the race": ("uncancelled-timer", f"yield context.task_any([{TIMER}])"),
    "timer in a list": ("uncancelled-timer", f"ts = []\nts.append({TIMER})\nyield context.task_any(ts)"),
    "timer in a concatenation": ("uncancelled-timer", f"ts = [{TIMER}] + []\nyield context.task_any(ts)"),
    "list of a set": ("set-order", "x = list({'a', 'b'})"),
    "set by union": ("set-order", "x = set(context.get_input())\nfor y in x | {'z'}:\n    pass"),
    "set by a method": ("set-order", "x = frozenset('ab').union('c')\nfirst, *rest = x"),
    "set that is joined": ("set-order", "x = ','.join({'a', 'b'})"),
    "item popped from a set": ("set-order", "x = {'a', 'b'}\ny = x.pop()"),
    "set from a helper": ("set-order", "x = [y for y in names()]"),
    "set that is annotated": ("set-order", "x: set[str] = context.get_input()\ny = [*x]"),
    "set of the module": ("set-order", "x = next(iter(KNOWN))"),
    "enumerated set": ("set-order", "for i, x in enumerate(KNOWN):\n    pass"),
    "log in a replay only": ("logging", "if context.is_replaying:\n    logging.info('x')"),
    "log under another condition": ("logging", "if context.get_input():\n    logging.info('x')"),
    "log behind the guard": ("logging", "if not context.is_replaying:\n    pass\nlogging.info('x')"),
    "log by a logger of its own": ("logging", "logging.getLogger('x').warning('y')"),
    "log in a helper": ("logging", "tell()"),
    "global statement": ("global-state", "count()"),
    "item of a module's dict": ("global-state", "CACHE['x'] = 1"),
    "item deleted": ("global-state", "del CACHE['x']"),
    "list within a module's dict": ("global-state", "CACHE['x'].append(1)"),
    "class attribute": ("global-state", "Saga.count += 1"),
    "handler for BaseException": ("bare-except", "try:\n    yield 1\nexcept BaseException:\n    pass"),
    "handler among others": ("bare-except", "try:\n    x = yield 1\nexcept (ValueError, GeneratorExit):\n    x = 2"),
    "await in a plain function": ("async", "fetch(context)"),
    "set as a payload": ("payload", "context.set_custom_status({'x': [{1}]})"),
    "bytes by keyword": ("payload", "yield context.call_activity('a', input_=b'x')"),
    "object without to_json": ("payload", "yield context.call_activity('a', Saga())"),
    "result of the orchestrator": ("payload", "return timedelta(1)"),
    "decimal in a list": ("payload", "import decimal\ncontext.continue_as_new([decimal.Decimal(1)])"),
    "constant made from the clock": ("clock", "x = STARTED"),
    "default value": ("clock", "stamped()"),
}
REST = """
import time

KNOWN = {"a", "b"}
CACHE = {}
STARTED = time.time()

class Saga:
    count = 0

def names():
    return {"a", "b"}

def helper(context):
    yield context.call_activity("a")

def tell():
    logging.info("x")

def count():
    global COUNT
    COUNT = 1

async def fetch(context):
    return 1

def stamped(at=time.time()):
    return at
"""


@pytest.mark.parametrize(("rule", "body"), UNSOUND.values(), ids=UNSOUND)
def test_unsound_orchestrator_is_found(tmp_path: Path, rule: str, body: str) -> None:
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    decorated = '@app.orchestration_trigger(context_name="context")\ndef o(context):\n'
    (tmp_path / "function_app.py").write_text(f"{HEAD}{REST}\n{decorated}    yield context.call_activity('a')\n{lines}")

    result = lint(tmp_path, "function_app.py")

    assert [finding.rule for finding in result.findings] == [rule]


def test_reasons_and_alternatives_name_what_was_written(tmp_path: Path) -> None:
    (tmp_path / "function_app.py").write_text(
        HEAD
        + dedent("""
        from uuid import uuid4 as fresh

        @app.orchestration_trigger(context_name="context")
        def o(context):
            yield context.call_activity("a", str(fresh()))
        """)
    )

    (finding,) = lint(tmp_path, "function_app.py").findings

    assert finding.text == "`fresh` (uuid.uuid4): a replay gets another value"
    assert finding.instead == "context.new_uuid()"
    assert (finding.line, finding.column, finding.chain) == (11, 42, ("o",))


def test_helper_is_reported_once_for_two_orchestrators(tmp_path: Path) -> None:
    (tmp_path / "function_app.py").write_text(
        HEAD
        + dedent("""
        def helper():
            logging.info("x")

        @app.orchestration_trigger(context_name="context")
        def one(context):
            helper()
            yield context.call_activity("a")

        @app.orchestration_trigger(context_name="context")
        def two(context):
            if not context.is_replaying:
                helper()
            yield context.call_activity("a")
        """)
    )

    result = lint(tmp_path, "function_app.py")

    assert result.orchestrators == ("one", "two")
    assert [finding.chain for finding in result.findings] == [("one", "helper")]
