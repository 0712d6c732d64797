"""A task hub with the real SDK at both ends: its wrappers run the functions, its client calls the management API."""

from __future__ import annotations

import asyncio
import inspect
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from azure.durable_functions import DurableOrchestrationClient, Entity, Orchestrator
from azure.durable_functions.models.utils import http_utils
from azure.functions.durable_functions import ActivityTriggerConverter
from azure.functions.meta import Datum
from localazure.clock import ManualClock
from localazure.durable.client_binding import WEBHOOK_PATH, client_binding
from localazure.durable.functions import FunctionFailure, FunctionKind, Turn
from localazure.durable.http import ManagementApi
from localazure.durable.hub import TaskHub
from localazure.durable.observer import Observer
from localazure.durable.records import Instance
from localazure.durable.settings import TaskHubSettings
from localazure.durable.views import shown
from localazure.host.sessions import Sessions

CODE = "system-key"
DEADLINE_S = 30.0


class SdkFunctions:
    """User functions as the host would run them: orchestrators and entities inside the SDK's wrappers."""

    def __init__(self) -> None:
        self._functions: dict[FunctionKind, dict[str, tuple[str, Callable[..., Any]]]] = {
            kind: {} for kind in FunctionKind
        }
        self.calls: list[tuple[str, str]] = []  # (name, instance id) of every orchestrator call
        self.sessions = Sessions()

    def orchestrator(self, function: Callable[..., Any], name: str | None = None) -> Callable[..., Any]:
        self._add(FunctionKind.ORCHESTRATOR, name or function.__name__, Orchestrator.create(function))
        return function

    def activity(self, function: Callable[..., Any], name: str | None = None) -> Callable[..., Any]:
        self._add(FunctionKind.ACTIVITY, name or function.__name__, function)
        return function

    def entity(self, function: Callable[..., Any], name: str | None = None) -> Callable[..., Any]:
        self._add(FunctionKind.ENTITY, name or function.__name__, Entity.create(function))
        return function

    def remove(self, kind: FunctionKind, name: str) -> None:
        del self._functions[kind][name.lower()]

    def resolve(self, kind: FunctionKind, name: str) -> str | None:
        found = self._functions[kind].get(name.lower())
        return found[0] if found else None

    def names(self, kind: FunctionKind) -> list[str]:
        return sorted(name for name, _ in self._functions[kind].values())

    async def call_orchestrator(self, name: str, instance_id: str, context_json: str, code: Any = None) -> str:
        """Also for a generator that was kept: `code` goes on with it, `context_json` are its news then."""
        self.calls.append((name, instance_id))
        return str(self._guard(code or self._functions[FunctionKind.ORCHESTRATOR][name.lower()][1], context_json))

    async def continue_orchestrator(self, name: str, instance_id: str, turn: Turn) -> str:
        def call(code: Callable[[Any], str], payload: str) -> Awaitable[str]:
            return self.call_orchestrator(name, instance_id, payload, code)

        wrapper = self._functions[FunctionKind.ORCHESTRATOR][name.lower()][1]
        return await self.sessions.play(instance_id, turn, wrapper, call)

    def forget_orchestrator(self, instance_id: str) -> None:
        self.sessions.forget(instance_id)

    async def call_entity(self, name: str, instance_id: str, batch_json: str) -> str:  # noqa: ARG002  # protocol
        return str(self._guard(self._functions[FunctionKind.ENTITY][name.lower()][1], batch_json))

    async def call_activity(self, name: str, instance_id: str, input_json: str) -> str:  # noqa: ARG002  # protocol
        function = self._functions[FunctionKind.ACTIVITY][name.lower()][1]
        value = ActivityTriggerConverter.decode(Datum(input_json, "string"), trigger_metadata=None)
        result = self._guard(function, value)
        if inspect.isawaitable(result):
            try:
                result = await result
            except Exception as raised:
                raise self._failure(raised) from raised
        return str(ActivityTriggerConverter.encode(result, expected_type=None).value)

    def _guard(self, function: Callable[..., Any], argument: Any) -> Any:
        try:
            return function(argument)
        except Exception as raised:
            raise self._failure(raised) from raised

    def _failure(self, raised: Exception) -> FunctionFailure:
        return FunctionFailure(type(raised).__name__, str(raised), traceback.format_exc())

    def _add(self, kind: FunctionKind, name: str, function: Callable[..., Any]) -> None:
        self._functions[kind][name.lower()] = (name, function)


class Rig:
    """A hub, its two listeners and the SDK's client. Time stands still until it is moved."""

    def __init__(self, store_path: Path | str, settings: TaskHubSettings) -> None:
        self.functions = SdkFunctions()
        self.clock = ManualClock()
        self.settings = settings
        self.store_path = store_path
        self.hub: TaskHub
        self.client: DurableOrchestrationClient
        self.http: aiohttp.ClientSession
        self.base_url = ""
        self.observer: Observer | None = None

    async def start(self) -> None:
        self.functions.sessions = Sessions()  # a new process has none
        self.hub = TaskHub(self.settings, self.functions, self.store_path, self.clock, self.observer)
        await self.hub.start()
        await self._listen()
        rpc_url = f"{self.base_url}/durabletask/"
        self.client = DurableOrchestrationClient(client_binding(self.settings, self.base_url, rpc_url, CODE))
        self.http = aiohttp.ClientSession()

    async def stop(self) -> None:
        await self.http.close()
        await http_utils._close_session()
        await self._runner.cleanup()
        await self.hub.stop(grace_s=5.0)

    async def restart(self) -> None:
        """Stop and start again on the same file, as another process would."""
        await self.stop()
        await self.start()

    async def _listen(self) -> None:
        app = web.Application(client_max_size=0)
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.base_url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self._apis = {
            WEBHOOK_PATH: ManagementApi(self.hub, is_rpc=False, base_url=self.base_url, code=CODE),
            "/durabletask": ManagementApi(self.hub, is_rpc=True, base_url=self.base_url, code=CODE),
        }

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        prefix = next(prefix for prefix in self._apis if request.path.startswith(prefix))
        return await self._apis[prefix].handle(request, request.path.removeprefix(prefix).lstrip("/"))

    def url(self, path: str) -> str:
        """An address on the public listener."""
        return f"{self.base_url}{WEBHOOK_PATH}/{path}"

    async def call(self, method: str, path: str, **arguments: Any) -> tuple[int, Any, dict[str, str]]:
        """Status, JSON body (None when empty) and headers of a request to the public listener."""
        async with self.http.request(method, self.url(path), **arguments) as answer:
            body = await answer.json(content_type=None) if await answer.read() else None
            return answer.status, body, dict(answer.headers)

    def advance(self, **duration: float) -> None:
        self.clock.advance(**duration)
        self.hub.fire_due_timers()

    async def idle(self) -> None:
        """Until nothing can happen any more without a timer or a message."""
        await eventually(lambda: self.hub.is_idle)

    async def run(self, name: str, argument: Any = None, instance_id: str | None = None) -> Instance:
        """Start an orchestration and see it end."""
        return await self.finish(await self.client.start_new(name, instance_id, argument))

    async def output(self, name: str, argument: Any = None) -> Any:
        """The output of an orchestration that completes."""
        instance = await self.run(name, argument)
        assert instance.status == "Completed", instance.output
        return shown(instance.output)

    async def finish(self, instance_id: str) -> Instance:
        """The instance when it has ended; the clock jumps from timer to timer."""
        async with asyncio.timeout(DEADLINE_S):
            while not (instance := await self.hub.get(instance_id)).status.is_final:
                due = self.hub.next_timer_at()
                if self.hub.is_idle and due is not None and due > self.clock.now():
                    self.advance(seconds=(due - self.clock.now()).total_seconds())
                await asyncio.sleep(0.001)
        return instance


async def eventually(condition: Callable[[], bool], within_s: float = DEADLINE_S) -> None:
    async with asyncio.timeout(within_s):
        while not condition():
            await asyncio.sleep(0.001)


MakeRig = Callable[..., Awaitable[Rig]]


@pytest.fixture(params=[False, True], ids=["replayed", "kept"])
async def make_rig(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[MakeRig]:
    """Makes rigs with settings of their own; all are stopped after the test. Every test runs both ways:

    with a replay on every turn, and with generators that are kept between turns.
    """
    rigs: list[Rig] = []

    async def make(store_path: Path | str = tmp_path / "hub.sqlite", **settings: Any) -> Rig:
        rig = Rig(store_path, TaskHubSettings(**{"extended_sessions": request.param, **settings}))
        await rig.start()
        rigs.append(rig)
        return rig

    yield make
    for rig in rigs:
        await rig.stop()


@pytest.fixture
async def rig(make_rig: MakeRig) -> Rig:
    """A hub in a file, as hosts have it."""
    return await make_rig()


def _add_common(rig: Any) -> None:
    """Activities `same` and `breaks`, entity `box`, and orchestrators that echo, wait and fail."""
    rig.functions.activity(lambda value: value, "same")

    @rig.functions.activity
    def breaks(_: Any) -> None:
        raise ValueError("broke")

    @rig.functions.orchestrator
    def echo(context: Any) -> Any:
        return (yield context.call_activity("same", context.get_input()))

    @rig.functions.orchestrator
    def waits(context: Any) -> Any:
        return (yield context.wait_for_external_event("go"))

    @rig.functions.orchestrator
    def fails(context: Any) -> Any:
        raise ValueError("broke")
        yield

    @rig.functions.entity
    def box(context: Any) -> None:
        context.set_state(context.get_input())


def _add_patient(rig: Any) -> None:
    """The common functions, with an orchestrator `waits` that says so, first for an hour if its input is `timer`."""
    _add_common(rig)

    @rig.functions.orchestrator
    def waits(context: Any) -> Any:
        context.set_custom_status({"stage": "waiting"})
        if context.get_input() == "timer":
            yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        yield context.wait_for_external_event("go")
        return context.version


@pytest.fixture
def add_common() -> Callable[[Any], None]:
    """Gives a hub the functions that most tests of clients need."""
    return _add_common


@pytest.fixture
def app(rig: Any) -> Any:
    """A hub with an orchestrator that echoes, one that waits, one that fails."""
    _add_patient(rig)
    return rig
