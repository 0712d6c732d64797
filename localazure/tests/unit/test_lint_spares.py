"""What `localazure lint` must not complain of: sound orchestrators, in the forms in which people write them."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from localazure.lint.linting import lint

ROOT = Path(__file__).parents[3]
APPS = sorted(path.parent for path in (ROOT / "localazure" / "tests" / "apps").glob("*/function_app.py"))
HEAD = "import azure.durable_functions as df\nfrom datetime import datetime, timedelta\n\napp = df.DFApp()\n"

SOUND = {
    "chain": """
        @app.orchestration_trigger(context_name="context")
        def chain(context: df.DurableOrchestrationContext):
            first = yield context.call_activity("hello", "Tokyo")
            second = yield context.call_activity("hello", first)
            return [first, second]
    """,
    "fan-out with a comprehension": """
        @app.orchestration_trigger(context_name="context")
        def fan_out(context):
            batch = yield context.call_activity("list")
            results = yield context.task_all([context.call_activity("work", item) for item in batch])
            return sum(results)
    """,
    "fan-out by tasks in a dict": """
        @app.orchestration_trigger(context_name="context")
        def fan_out(context):
            tasks = {}
            for name in sorted(set(context.get_input())):
                tasks[name] = context.call_activity("work", name)
            yield context.task_all(list(tasks.values()))
            return {name: task.result for name, task in tasks.items()}
    """,
    "tasks awaited one by one, in the order of their ends": """
        @app.orchestration_trigger(context_name="context")
        def drain(context):
            pending = [context.call_activity("work", item) for item in context.get_input()]
            done = []
            while pending:
                winner = yield context.task_any(pending)
                pending.remove(winner)
                done.append(winner.result)
            return done
    """,
    "monitor": """
        @app.orchestration_trigger(context_name="context")
        def monitor(context):
            job = context.get_input()
            expiry = datetime.fromisoformat(job["expires"])
            while context.current_utc_datetime < expiry:
                status = yield context.call_activity("status", job["id"])
                if status == "done":
                    yield context.call_activity("alert", job["id"])
                    break
                next_check = context.current_utc_datetime + timedelta(seconds=30)
                yield context.create_timer(next_check)
    """,
    "approval with a timer that is cancelled in a helper's finally": """
        @app.orchestration_trigger(context_name="context")
        def approval(context):
            timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
            try:
                winner = yield context.task_any([timer, context.wait_for_external_event("Go")])
            finally:
                if not timer.is_completed:
                    timer.cancel()
            return winner is not timer
    """,
    "timers in a list that are cancelled together": """
        @app.orchestration_trigger(context_name="context")
        def race(context):
            timers = [context.create_timer(context.current_utc_datetime + timedelta(hours=h)) for h in (1, 2)]
            yield context.task_any([*timers, context.wait_for_external_event("Go")])
            for timer in timers:
                if not timer.is_completed:
                    timer.cancel()
    """,
    "timer that is awaited after the race": """
        @app.orchestration_trigger(context_name="context")
        def grace(context):
            timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
            yield context.task_any([timer, context.wait_for_external_event("Go")])
            yield timer
    """,
    "timer that a helper cancels": """
        def stop(timer):
            timer.cancel()

        @app.orchestration_trigger(context_name="context")
        def race(context):
            timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
            yield context.task_any([timer, context.wait_for_external_event("Go")])
            stop(timer)
    """,
    "tasks from a helper": """
        def work(context, item):
            return context.call_activity("work", item)

        @app.orchestration_trigger(context_name="context")
        def o(context):
            tasks = [work(context, item) for item in (1, 2)]
            return (yield context.task_all(tasks))
    """,
    "tasks that an inner function collects": """
        @app.orchestration_trigger(context_name="context")
        def o(context):
            tasks = []

            def plan(item):
                tasks.append(context.call_activity("work", item))

            for item in (1, 2):
                plan(item)
            return (yield context.task_all(tasks))
    """,
    "delegation to a generator": """
        def saga(context):
            yield context.call_activity("a")

        @app.orchestration_trigger(context_name="context")
        def o(context):
            return saga(context)
    """,
    "a retried child, then on as new": """
        @app.orchestration_trigger(context_name="context")
        def eternal(context):
            retry = df.RetryOptions(first_retry_interval_in_milliseconds=1000, max_number_of_attempts=3)
            yield context.call_sub_orchestrator_with_retry("child", retry, {"n": 1})
            context.signal_entity(df.EntityId("counter", "x"), "add", 1)
            context.continue_as_new({"n": 2})
    """,
    "log lines behind every kind of guard": """
        import logging

        log = logging.getLogger(__name__)

        def say(context, text):
            if context.is_replaying:
                return
            log.info(text)

        def tell(text):
            log.info(text)

        @app.orchestration_trigger(context_name="context")
        def o(context):
            say(context, "begun")
            replaying = context.is_replaying
            if not replaying:
                logging.info("one")
                tell("two")
            if context.is_replaying:
                pass
            else:
                print("three")
            context.is_replaying or print("four")
            not context.is_replaying and print("five")
            if not context.is_replaying and context.get_input():
                log.warning("six")
            yield context.call_activity("a")
    """,
    "sets that are only asked, counted or put in order": """
        KNOWN = frozenset({"a", "b"})

        @app.orchestration_trigger(context_name="context")
        def o(context):
            seen = set()
            for name in context.get_input():
                if name in KNOWN and name not in seen:
                    seen.add(name)
                    yield context.call_activity("work", name)
            total = sum(len(name) for name in seen)
            names = sorted(name.upper() for name in seen | KNOWN)
            seen = sorted(seen)
            for name in seen:
                yield context.call_activity("work", name)
            return {"names": names, "total": total, "all": KNOWN <= set(names), "last": max(KNOWN)}
    """,
    "time and ids that are given, not read": """
        import json, math, re, time, uuid

        PATTERN = re.compile("x")
        EPOCH = datetime(2020, 1, 1)

        @app.orchestration_trigger(context_name="context")
        def o(context):
            day = datetime.strptime(context.get_input()["day"], "%Y-%m-%d")
            key = uuid.uuid5(uuid.NAMESPACE_URL, context.instance_id)
            text = time.strftime("%Y", (2020, 1, 1, 0, 0, 0, 0, 1, 0))
            late = context.current_utc_datetime - timedelta(days=1) > day
            known = PATTERN.match("x") is not None and EPOCH < day
            yield context.call_activity("a", {"key": str(key), "late": late, "known": known, "text": text})
            return json.dumps([math.floor(1.5), context.current_utc_datetime.isoformat(), str(context.new_uuid())])
    """,
    "a seeded generator of numbers": """
        import random

        @app.orchestration_trigger(context_name="context")
        def o(context):
            numbers = random.Random(context.instance_id)
            yield context.call_activity("a", numbers.randint(1, 6))
    """,
    "paths that are only computed with": """
        from pathlib import Path, PurePosixPath

        @app.orchestration_trigger(context_name="context")
        def o(context):
            place = Path("in") / context.get_input()
            yield context.call_activity("read", str(place.with_suffix(".csv").name))
            return str(PurePosixPath("a") / "b")
    """,
    "library errors that are caught": """
        import requests
        from azure.core.exceptions import ResourceNotFoundError

        @app.orchestration_trigger(context_name="context")
        def o(context):
            try:
                yield context.call_activity("a")
            except (requests.HTTPError, ResourceNotFoundError):
                yield context.call_activity("b")
            except BaseException:
                raise
    """,
    "an activity that does all that, handed over as a function": """
        import time, random, requests

        @app.activity_trigger(input_name="name")
        def work(name):
            print(time.time(), random.random())
            return requests.get(name, timeout=1).text

        @app.orchestration_trigger(context_name="context")
        def o(context):
            return (yield context.call_activity(work, "x"))
    """,
    "local names that look like forbidden ones": """
        class Clock:
            def now(self):
                return 1

        def open(name):
            return name

        @app.orchestration_trigger(context_name="context")
        def o(context):
            time = Clock()
            random = {"choice": 1}
            environ = context.get_input()
            yield context.call_activity("a", [time.now(), random["choice"], environ["x"], open("door")])
    """,
    "values of the app's own that have a JSON form": """
        from enum import StrEnum
        from typing import NamedTuple

        class Status(StrEnum):
            OPEN = "open"

        class Point(NamedTuple):
            x: int

        class Order:
            def __init__(self, key):
                self.key = key

            @staticmethod
            def to_json(order):
                return order.key

        @app.orchestration_trigger(context_name="context")
        def o(context):
            context.set_custom_status({"status": Status.OPEN})
            yield context.call_activity("a", [Status("open"), Point(1), Order("k")])
    """,
    "variables of its own that change": """
        DEFAULTS = {"a": 1}

        class Stack:
            def __init__(self):
                self.items = []

            def push(self, item):
                self.items.append(item)

        @app.orchestration_trigger(context_name="context")
        def o(context):
            options = dict(DEFAULTS)
            options["b"] = 2
            options.update(c=3)
            stack = Stack()
            stack.push(1)
            stack.items.append(2)
            count = 0

            def more():
                nonlocal count
                count += 1

            more()
            yield context.call_activity("a", {**options, "count": count, "items": stack.items})
    """,
    "no task at all": """
        @app.orchestration_trigger(context_name="context")
        def o(context):
            return {"id": context.instance_id}
    """,
    "code beside the orchestrator": """
        import os, time

        STARTED = time.time()
        URL = os.environ.get("URL", "x")

        @app.route(route="start")
        @app.durable_client_input(client_name="client")
        async def start(req, client):
            print(time.time(), STARTED, URL)
            return await client.start_new("o")

        @app.orchestration_trigger(context_name="context")
        def o(context):
            yield context.call_activity("a")
    """,
}


@pytest.mark.parametrize("code", SOUND.values(), ids=SOUND)
def test_sound_orchestrator_has_no_findings(tmp_path: Path, code: str) -> None:
    (tmp_path / "function_app.py").write_text(HEAD + dedent(code))

    result = lint(tmp_path, "function_app.py")

    assert result.findings == ()
    assert len(result.orchestrators) == 1


@pytest.mark.parametrize("app", APPS, ids=[app.name for app in APPS])
def test_apps_of_the_tests_have_no_findings(app: Path) -> None:
    assert lint(app, "function_app.py").findings == ()


def test_waybill_has_no_findings_and_its_helpers_were_looked_at() -> None:
    result = lint(ROOT, "function_app.py")

    assert result.findings == ()
    assert "fulfil_order" in result.orchestrators
    assert result.functions > 15
