"""A task hub in the test's process, for plain synchronous tests.

    with Hub(app=".", activities={"charge": {"outcome": "charged"}}) as hub:
        order = hub.start("fulfil_order", {"order_id": "o-42"})
        hub.advance(hours=24)
        assert order.wait().output == {"status": "confirmed"}

The engine, the host's way of calling functions and the SDK are the real ones; only time is not. Each call returns when
the hub has nothing more to do, so a test is in step with it and needs no waiting of its own.
"""

from __future__ import annotations

import json as jsonlib
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from azure.durable_functions.models.utils.df_serialization import df_dumps
from azure.functions import DecoratorApi

from localazure.clock import ManualClock
from localazure.durable.entity_ids import entity_id
from localazure.durable.functions import FunctionKind
from localazure.durable.store import InstanceQuery
from localazure.durable.views import shown
from localazure.testing import doors
from localazure.testing.apps import app_folder, app_of
from localazure.testing.bridge import Bridge
from localazure.testing.calls import Call
from localazure.testing.cast import Cast
from localazure.testing.errors import StillWaiting
from localazure.testing.faults import Rule
from localazure.testing.orchestration import Orchestration, Status
from localazure.testing.outputs import Output
from localazure.testing.runner import Runner
from localazure.testing.stand_ins import Answer, named
from localazure.testing.waiting import explain

LONGEST_SKIP = timedelta(days=366)
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


class Hub:
    """Opens at once; `close`, or the end of a `with` block, takes everything away.

    app            what to run: a folder with function_app.py, a blueprint, an app object, or None
    orchestrators  plain generator functions to run besides, under their own names
    entities       plain entity functions likewise
    activities     answers by name, or plain functions: in place of those of the app, or new ones beside no folder
    time           "manual": the clock moves by `advance` alone; "skip": `wait` also lets it jump to whatever is due
    starts_at      what the clock shows at first, an aware time
    state          a folder for the hub's file; one that was used before goes on. Default: a temporary one
    settings       app settings that come before those of local.settings.json
    host_json      the content of host.json for a hub without a folder
    timeout_s      real seconds that user code may take until a call raises StillBusy

    Raises ConfigError for an app that cannot be loaded.
    """

    def __init__(
        self,
        app: Path | str | DecoratorApi | None = None,
        *,
        orchestrators: Iterable[Callable[..., Any]] = (),
        entities: Iterable[Callable[..., Any]] = (),
        activities: Mapping[str, Answer] | Iterable[Callable[..., Any]] = (),
        time: Literal["manual", "skip"] = "manual",
        starts_at: datetime = EPOCH,
        state: Path | str | None = None,
        settings: Mapping[str, str] | None = None,
        host_json: Mapping[str, Any] | None = None,
        timeout_s: float = 30.0,
    ) -> None:
        if time not in {"manual", "skip"}:
            raise ValueError(f'time is "manual" or "skip", not {time!r}')
        self._skips = time == "skip"
        answers = named(activities)
        with ExitStack() as stack:
            folder = Path(state or stack.enter_context(tempfile.TemporaryDirectory(prefix="localazure-")))
            if isinstance(app, Path | str):
                self._app = stack.enter_context(app_folder(Path(app), settings or {}))
            else:
                self._app = app_of(app, orchestrators, entities, answers, host_json or {})
            self._cast = Cast(self._app.index, answers)
            self._runner = Runner(self._app, folder.resolve(), ManualClock(starts_at), self._cast)
            self._bridge = Bridge(self._runner, timeout_s)
            self.request = self._bridge.request
            self._bridge.do(self._runner.open)
            stack.callback(self._bridge.do, self._runner.close)
            self._stack = stack.pop_all()

    def close(self) -> None:
        """Give up what is under way, and put environment, folder and modules back."""
        self._stack.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Orchestrations

    def start(self, name: str, input: Any = None, *, instance_id: str | None = None) -> Orchestration:  # noqa: A002  # the SDK's word
        """Start an orchestration; it runs until it waits. Raises UnknownFunction, InstanceExists, InvalidRequest."""
        sent = None if input is None else _wire(input)
        return Orchestration(self, self.request(lambda hub: hub.start_instance(name, instance_id, sent)))

    def run(self, name: str, input: Any = None, *, instance_id: str | None = None) -> Status:  # noqa: A002  # the SDK's word
        """Start an orchestration and wait for its end. Raises as `start` and `Orchestration.wait` do."""
        return self.start(name, input, instance_id=instance_id).wait()

    def instance(self, instance_id: str) -> Orchestration:
        """Raises InstanceNotFound."""
        self.request(lambda hub: hub.get(instance_id))
        return Orchestration(self, instance_id)

    def instances(self, prefix: str = "") -> list[Orchestration]:
        """Those whose id begins with `prefix`, in the order of creation; sub-orchestrations are among them."""
        found = self.request(lambda hub: hub.find(InstanceQuery(prefix=prefix)))
        return [Orchestration(self, instance.start.instance_id) for instance in found]

    def raise_event(self, instance_id: str, name: str, data: Any = None, *, posted: bool = False) -> None:
        """Send an event as the SDK's client does, which makes the orchestrator see the JSON text of `data`.

        `posted`: as a POST to the management API does; the orchestrator then sees the value. Raises InstanceNotFound,
        InstanceEnded.
        """
        sent = df_dumps(data) if posted else _wire(data)
        self.request(lambda hub: hub.raise_event(instance_id, name, sent))

    def wait(self, instance_id: str, within: timedelta | None = None) -> Status:
        """See `Orchestration.wait`."""
        runner = self._runner

        async def has_ended() -> bool:
            return (await runner.life.hub.get(instance_id)).status.is_final

        async def work() -> Status:
            await runner.settle()
            if self._skips:
                await runner.skip_until(has_ended, runner.now() + (within or LONGEST_SKIP))
            if not await has_ended():
                raise StillWaiting(await self._explain(instance_id))
            return Status.of(await runner.life.hub.get(instance_id))

        return self._bridge.do(work)

    def explain(self, instance_id: str) -> str:
        """What an instance waits for, as a text for people. Raises InstanceNotFound."""
        return self._bridge.do(lambda: self._explain(instance_id))

    async def _explain(self, instance_id: str) -> str:
        loaded = await self._runner.life.hub.load(instance_id)
        return explain(loaded, self.now, self._runner.parking.names)

    # Entities

    def signal(self, name: str, key: str, operation: str, input: Any = None) -> None:  # noqa: A002  # the SDK's word
        """Send an operation to an entity. Raises UnknownFunction."""
        self.request(lambda hub: hub.signal_entity(entity_id(name, key), operation, _wire(input)))

    def entity(self, name: str, key: str) -> Any:
        """The entity's state, a JSON value; None for one that does not exist."""
        found = self.request(lambda hub: hub.get_entity(entity_id(name, key)))
        return None if found is None else shown(found.state)

    # Activities, and what else the app has

    def replace(self, name: str, answer: Answer) -> None:
        """From now on run `answer` in place of an activity: a callable of its input, an exception, or a value."""
        self._cast.replace(name, answer)
        self._runner.life.functions.refresh()

    def restore(self, name: str) -> None:
        """Let the app's own activity run again."""
        self._cast.restore(name)
        self._runner.life.functions.refresh()

    def calls(self, name: str | None = None, kind: str = FunctionKind.ACTIVITY) -> Sequence[Call]:
        """What was called, in order: activities, or functions of another kind ("orchestrator", "entity").

        Raises TestingError for a name that the app has not.
        """
        wanted = None if name is None else self._cast.durable_name(name)
        return [call for call in self._runner.log.all if call.kind == kind and wanted in {None, call.name}]

    @property
    def outputs(self) -> Sequence[Output]:
        """What functions wrote through output bindings; it is sent nowhere."""
        return tuple(self._runner.writer.written)

    @property
    def url(self) -> str:
        """Where HTTP functions and the management API answer; empty for an app that has no use for it."""
        return self._runner.url

    def http(
        self, method: str, path: str, *, json: Any = None, headers: Mapping[str, str] | None = None
    ) -> doors.Reply:
        """Send a request to an HTTP function of the app; `path` begins with the route prefix ("/api/...")."""
        return self.request(lambda _: doors.request(self.url, method, path, json, headers or {}))

    def trigger(self, name: str, data: str = "") -> None:
        """Run a function that a queue, timer or feed triggers; `data` is the message. Raises FunctionFailure."""
        self.request(lambda _: self._runner.life.doors.trigger(name, data))

    # Time

    @property
    def now(self) -> datetime:
        """What the hub's clock shows; orchestrators see it, `datetime.now()` in activities does not."""
        return self._runner.now()

    def advance(self, by: timedelta | None = None, **duration: float) -> None:
        """Let `by`, or `timedelta(**duration)`, pass: every timer on the way fires at its moment, in order."""
        target = self.now + (timedelta(**duration) if by is None else by)
        self._bridge.do(lambda: self._runner.advance_to(target))

    def together(self) -> AbstractContextManager[None]:
        """Send everything in a `with` block side by side: the hub goes idle at the end of the block only."""
        return self._bridge.together()

    # Trouble

    def on(self, name: str, n: int | None = 1, *, instance: str | None = None) -> Rule:
        """A rule for the n-th invocation of a function from now (None: every one), or of one instance's.

        For crashes around commits it is the n-th commit of its results. Raises TestingError for an unknown name.
        """
        rule = Rule(self._cast.durable_name(name), n, instance, self._runner.rules.add)
        rule.on_release(lambda: self._bridge.do(lambda: self._runner.release(rule)))
        return rule

    def calm(self) -> None:
        """Forget all rules, and let go what they keep back."""
        for rule in self._runner.rules.clear():
            rule.release()

    def crash(self) -> None:
        """Drop the hub's memory without warning, and open it again from its file."""
        self._bridge.do(self._runner.crash)

    def restart(self) -> None:
        """Stop and start again, as for a deployment."""
        self._bridge.do(self._runner.restart)

    @property
    def crashes(self) -> int:
        """How often it crashed, by rule or by `crash`."""
        return self._runner.crashes


def _wire(value: Any) -> str:
    """As the SDK's client sends it: a JSON string that holds JSON text."""
    return jsonlib.dumps(df_dumps(value))
