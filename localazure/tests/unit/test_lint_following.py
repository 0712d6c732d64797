"""What `localazure lint` follows: aliases, imports, helpers, classes, and every way to register an orchestrator."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest
from localazure.errors import ConfigError
from localazure.lint.findings import Finding
from localazure.lint.linting import Result, lint

HEAD = """import azure.durable_functions as df

app = df.DFApp()

"""
DECORATED = '@app.orchestration_trigger(context_name="context")\n'
Check = Callable[..., Result]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Lints an app of these files; `function_app` is the script without its head."""

    def run(function_app: str, **files: str) -> Result:
        (tmp_path / "function_app.py").write_text(HEAD + function_app)
        for name, text in files.items():
            path = tmp_path / f"{name.replace('__', '/')}.py"
            path.parent.mkdir(exist_ok=True)
            if path.parent != tmp_path:
                (path.parent / "__init__.py").touch()
            path.write_text(text)
        return lint(tmp_path, "function_app.py")

    return run


def rules(result: Result) -> list[str]:
    return [finding.rule for finding in result.findings]


def only(result: Result) -> Finding:
    (finding,) = result.findings
    return finding


@pytest.mark.parametrize(
    "line",
    [
        "import datetime; value = datetime.datetime.now()",
        "import datetime as d; value = d.datetime.utcnow()",
        "from datetime import date; value = date.today()",
        "from time import time as t; value = t()",
        "import time; clock = time.monotonic; value = clock()",
        "import time; value = time.strftime('%Y')",
        "from datetime import datetime; value = max(map(datetime.fromtimestamp, [0])), datetime.today",
    ],
)
def test_clock_is_found_under_every_name(check: Check, line: str) -> None:
    result = check(f"{DECORATED}def o(context):\n    {line}\n    yield context.call_activity('a', str(value))\n")

    assert rules(result) == ["clock"]


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("import random; value = random.choice([1, 2])", "random"),
        ("import secrets; value = secrets.token_hex()", "random"),
        ("from os import urandom; value = urandom(3).hex()", "random"),
        ("value = hash('a')", "random"),
        ("import random; value = random.Random().random()", "random"),
        ("from os import environ; value = environ['A']", "environment"),
        ("import os as system; value = system.getenv('A')", "environment"),
        ("value = open('a').read()", "io"),
        ("from pathlib import Path; value = (Path('a') / 'b').read_text()", "io"),
        ("import pathlib; p = pathlib.Path('a').parent; value = p.exists()", "io"),
        ("import aiohttp; value = aiohttp.ClientSession()", "io"),
        ("import subprocess as s; value = s.check_output(['ls'])", "io"),
        ("from azure.storage.blob import BlobServiceClient as B; value = B.from_connection_string('x')", "io"),
        ("from azure.identity import DefaultAzureCredential; value = DefaultAzureCredential()", "io"),
        ("import asyncio; value = asyncio.sleep(1)", "sleep"),
        ("import threading; value = threading.Thread()", "threads"),
        ("import asyncio; value = asyncio.run(None)", "threads"),
    ],
)
def test_forbidden_names_are_found_by_their_rule(check: Check, line: str, rule: str) -> None:
    result = check(f"{DECORATED}def o(context):\n    {line}\n    yield context.call_activity('a', [value])\n")

    assert rules(result) == [rule]


def test_helper_in_another_module_is_reported_there_with_the_chain(check: Check) -> None:
    result = check(
        "from steps.reserve import reserve as secure\n\n"
        f"{DECORATED}def checkout(context):\n    return (yield from secure(context))\n",
        steps__reserve="from .times import deadline\n\n\ndef reserve(ctx):\n    yield ctx.create_timer(deadline())\n",
        steps__times="from datetime import datetime\n\n\ndef deadline():\n    return datetime.now()\n",
    )

    found = only(result)
    assert (found.file, found.line, found.column) == ("steps/times.py", 5, 12)
    assert found.chain == ("checkout", "reserve", "deadline")
    assert result.functions == 3


def test_helper_without_annotations_still_gets_the_context(check: Check) -> None:
    result = check(
        f"def helper(ctx, what):\n    ctx.call_activity(what)\n\n\n"
        f"{DECORATED}def o(context):\n    helper(context, 'a')\n    yield context.call_activity('b')\n"
    )

    assert rules(result) == ["unyielded-task"]
    assert only(result).chain == ("o", "helper")


def test_methods_and_properties_of_a_saga_object_are_followed(check: Check) -> None:
    saga = (
        "import uuid\n\n\nclass Base:\n    @property\n    def key(self):\n        return str(uuid.uuid4())\n\n\n"
        "class Saga(Base):\n    def __init__(self, ctx):\n        self._ctx = ctx\n\n"
        "    def step(self, name):\n        return self._ctx.call_activity(name, self.key)\n\n"
        "    def insist(self, name):\n        yield self.step(name)\n"
    )
    result = check(
        f"from saga import Saga\n\n{DECORATED}def o(context):\n    saga = Saga(context)\n    saga.step('a')\n"
        "    saga.insist('b')\n    yield saga.insist('c')\n    yield from saga.insist('d')\n    yield saga.step('e')\n",
        saga=saga,
    )

    assert [(each.file, each.rule) for each in result.findings] == [
        *[("function_app.py", "unyielded-task")] * 3,
        ("saga.py", "random"),
    ]
    assert result.findings[-1].chain == ("o", "step", "key")
    assert result.findings[1].instead == "yield from saga.insist(...)"


def test_re_exports_and_star_imports_are_followed(check: Check) -> None:
    result = check(
        f"from helpers import stamp\nfrom more import *\n\n{DECORATED}def o(context):\n"
        "    yield context.call_activity('a', [stamp(), other()])\n",
        helpers="from inner.clock import stamp\n",
        inner__clock="import time\n\n\ndef stamp():\n    return time.time()\n",
        more="import time\n\n\ndef other():\n    return time.time()\n",
    )

    assert [(each.file, each.rule) for each in result.findings] == [("inner/clock.py", "clock"), ("more.py", "clock")]


def test_function_that_is_handed_on_is_checked(check: Check) -> None:
    result = check(
        "import random\n\n\ndef weight(item):\n    return random.random()\n\n\n"
        f"{DECORATED}def o(context):\n    for item in sorted(context.get_input(), key=weight):\n"
        "        yield context.call_activity('a', item)\n"
    )

    assert rules(result) == ["random"]


def test_inner_function_is_checked_when_it_is_called(check: Check) -> None:
    result = check(
        f"import time\n\n{DECORATED}def o(context):\n    def called():\n        return time.time()\n"
        "    def never():\n        return time.time()\n    yield context.call_activity('a', called())\n"
    )

    assert [each.line for each in result.findings] == [10]


def test_class_that_fills_its_own_fields_is_found(check: Check) -> None:
    result = check(
        "from dataclasses import dataclass, field\nfrom uuid import uuid4\n\n\n@dataclass\nclass Order:\n"
        f"    key: str = field(default_factory=lambda: str(uuid4()))\n\n\n{DECORATED}def o(context):\n"
        "    order = Order()\n    yield context.call_activity('a', order.key)\n"
    )

    assert rules(result) == ["random"]


REGISTRATIONS = {
    "in a blueprint, under another name": """
        blueprint = df.Blueprint()

        @blueprint.orchestration_trigger(context_name='ctx', orchestration='Other')
        def o(ctx):
            import time
            yield ctx.call_activity('a', time.time())
    """,
    "by a call": """
        from flows import o

        app.orchestration_trigger(context_name='context')(o)
    """,
    "from an imported tuple": """
        from flows import ALL

        for each in ALL:
            app.orchestration_trigger(context_name='context')(each)
    """,
    "from a list in the loop": """
        import flows

        for each in [flows.o]:
            app.orchestration_trigger(context_name='context')(each)
    """,
    "from the values of a dict": """
        import flows

        for each in flows.BY_NAME.values():
            app.orchestration_trigger('context')(each)
    """,
    "in the old way": """
        import flows

        main = df.Orchestrator.create(flows.o)
    """,
    "by a function of the app": """
        from flows import o

        def register(function):
            return app.orchestration_trigger('context')(function)

        register(o)
    """,
    "by a variable": """
        from flows import o

        orchestrator = app.orchestration_trigger(context_name='context')
        orchestrator(o)
    """,
    "by a decorator of the app": """
        def saga(name):
            def register(function):
                return app.orchestration_trigger('context')(function)
            return register

        @saga('o')
        def o(context):
            import time
            yield context.create_timer(time.time())
    """,
    "in a function": """
        def build():
            @app.orchestration_trigger('context')
            def o(context):
                import time
                yield context.create_timer(time.time())

        build()
    """,
}


@pytest.mark.parametrize("registration", REGISTRATIONS.values(), ids=REGISTRATIONS)
def test_orchestrator_is_found_however_it_is_registered(check: Check, registration: str) -> None:
    flows = (
        "import time\n\n\ndef o(context):\n    yield context.call_activity('a', time.time())\n\n\nALL = (o,)\n"
        "BY_NAME = {'o': o}\n"
    )
    result = check(dedent(registration), flows=flows)

    assert result.orchestrators == ("o",)
    assert rules(result) == ["clock"]


def test_module_in_error_is_named_with_its_line(check: Check) -> None:
    with pytest.raises(ConfigError, match=r"broken[.]py:2: SyntaxError"):
        check("import broken\n", broken="x = 1\ndef\n")


def test_app_without_its_script_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"function_app[.]py was not found"):
        lint(tmp_path, "function_app.py")


def test_nothing_of_the_app_is_run(check: Check, tmp_path: Path) -> None:
    result = check(
        f"open({str(tmp_path / 'ran')!r}, 'w').write('x')\nraise SystemExit(3)\n{DECORATED}def o(c):\n    yield c\n"
    )

    assert result.orchestrators == ("o",)
    assert not (tmp_path / "ran").exists()
