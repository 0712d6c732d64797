"""The host: what is started in which order, and stopped in which order."""

from __future__ import annotations

import asyncio
import hashlib
import platform
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aiohttp import web

from localazure.clock import Clock
from localazure.durable.client_binding import client_binding
from localazure.durable.errors import HubInUse
from localazure.durable.http import ManagementApi
from localazure.durable.hub import TaskHub
from localazure.errors import ConfigError
from localazure.host import blob_trigger
from localazure.host.app import App
from localazure.host.blob_bindings import BlobReader, BlobWriter
from localazure.host.console import print_functions
from localazure.host.control import Control
from localazure.host.cosmos_bindings import CosmosReader, CosmosWriter
from localazure.host.cosmos_clients import CosmosClients
from localazure.host.durable import DurableClientReader, DurableFunctions
from localazure.host.event_grid_output import EventGridWriter
from localazure.host.functions import DURABLE_CLIENT
from localazure.host.http import event_grid
from localazure.host.http.admin import Admin, HostFacts
from localazure.host.http.control_pages import ControlPages
from localazure.host.http.cors import Cors
from localazure.host.http.event_grid import EventGridWebhook
from localazure.host.http.gateway import Gateway
from localazure.host.http.keys import BLOB_SYSTEM_KEY, DURABLE_SYSTEM_KEY, EVENT_GRID_SYSTEM_KEY, Keys
from localazure.host.http.listeners import NO_LIMIT, Handler, HttpListener
from localazure.host.http.routes import RouteTable
from localazure.host.invocation import Invoker
from localazure.host.queue_output import QueueWriter
from localazure.host.storage import StorageClients
from localazure.host.trigger_listeners import TriggerListeners
from localazure.host.watchdog import LoopWatchdog

RPC_PREFIX = "durabletask"


@dataclass(frozen=True)
class HostOptions:
    """What the command line says. `host` is the address of the public listener; port 0 means any free one."""

    host: str
    rpc_port: int
    state: Path
    enable_auth: bool = False
    grace_s: float = 30.0
    show_functions: bool = True


class Host:
    """One app, running. Raises ConfigError when made, PortTakenError when started."""

    def __init__(self, app: App, options: HostOptions, clock: Clock) -> None:
        options.state.mkdir(parents=True, exist_ok=True)
        self._app, self._options, self._clock = app, options, clock
        self._id = _host_id(app.root)
        self._storage, self._cosmos = StorageClients(app.settings), CosmosClients(app.settings)
        self._event_grid = EventGridWriter(app.settings)
        self._triggers = TriggerListeners(app, self._storage, self._cosmos, state=options.state, host_id=self._id)
        self._invoker = self._make_invoker()
        functions = DurableFunctions(app.index, self._invoker)
        self._hub = TaskHub(self._app.hub_settings, functions, options.state / "hub.sqlite", clock)
        self._keys = Keys(app.settings, options.state / "keys" / "host.json", is_enforced=options.enable_auth)
        self._facts = HostFacts(self._id, self._app.http.route_prefix)
        self._admin = Admin(
            app.index,
            self._invoker,
            self._keys,
            app.host_json,
            facts=self._facts,
            call_makers={blob_trigger.TRIGGER: partial(blob_trigger.manual_call, self._storage)},
        )
        self._gateway = self._make_gateway()
        self.control = Control(self._triggers, self._invoker, self._gateway, self._facts, clock)
        self._admin.add_pages(ControlPages(self.control, self._invoker).pages)
        self._watchdog: LoopWatchdog | None = None
        self._listeners: list[HttpListener] = []
        self.url = self.rpc_url = ""

    def _make_invoker(self) -> Invoker:
        return Invoker(
            self._app.root,
            self._clock,
            time_limit=self._app.time_limit,
            threads=self._app.threads,
            readers={
                DURABLE_CLIENT: DurableClientReader(self._client_value),
                "cosmosdb": CosmosReader(self._cosmos),
                "blob": BlobReader(self._storage),
            },
            writers={
                "queue": QueueWriter(self._app.queues, self._storage, self._triggers.wake),
                "cosmosdb": CosmosWriter(self._cosmos),
                "blob": BlobWriter(self._storage, self._triggers.wake),
                "eventgrid": self._event_grid,
            },
        )

    def _make_gateway(self) -> Gateway:
        index, origins = self._app.index, self._app.local_host
        gateway = Gateway(
            routes=RouteTable(index.runnable("httptrigger"), self._app.http.route_prefix),
            invoker=self._invoker,
            admin=self._admin,
            keys=self._keys,
            cors=Cors(origins.cors_origins, origins.cors_credentials),
            options=self._app.http,
        )
        events = EventGridWebhook(event_grid.receivers(index, self._invoker))
        gateway.mount("eventgrid", events, EVENT_GRID_SYSTEM_KEY)
        gateway.mount("blobs", EventGridWebhook(self._triggers.blob_receiver), BLOB_SYSTEM_KEY)
        return gateway

    async def start(self) -> None:
        """Open the listeners, start the task hub, start the triggers; then, and only then, answer requests."""
        await self._open_listeners()
        try:
            await self._hub.start()
        except HubInUse as error:
            raise ConfigError(f"{error} Or choose another directory with --state.") from error
        self.control.start(self._options.grace_s)
        self._gateway.open()
        self._facts.state = "Running"
        self._watchdog = LoopWatchdog(asyncio.get_running_loop(), self._app.root)
        self._watchdog.start()
        if self._options.show_functions:
            print_functions(self._app.index, self._facts.base_url, self._app.http.route_prefix)

    async def stop(self) -> bool:
        """Begin nothing new, let what runs end within the grace period, cancel the rest, close everything.

        Returns False when threads of the app are still running: they cannot be ended from outside.
        """
        self._facts.state = "Stopping"
        if self._watchdog:
            self._watchdog.stop()
        loop, grace_s = asyncio.get_running_loop(), self._options.grace_s
        end = loop.time() + grace_s
        await asyncio.gather(self.control.stop(grace_s), self._gateway.close(grace_s))
        await self._hub.stop(max(end - loop.time(), 0))
        await self._invoker.drain(max(end - loop.time(), 0))
        for listener in self._listeners:
            await listener.close()
        await self._storage.close()
        await self._cosmos.close()
        await self._event_grid.close()
        return self._invoker.busy_threads == 0

    async def _open_listeners(self) -> None:
        address = self._options.host
        port = await self._open(self._gateway.handle, self._app.http.body_limit, (address, self._app.port, "--port"))
        self.url = f"http://{address}:{port}"
        self._facts.base_url = f"http://localhost:{port}" if address == "127.0.0.1" else self.url
        self._gateway.mount("durabletask", self._management_api(is_rpc=False), DURABLE_SYSTEM_KEY)
        rpc = _under(RPC_PREFIX, self._management_api(is_rpc=True))
        rpc_port = await self._open(rpc, NO_LIMIT, ("127.0.0.1", self._options.rpc_port, "--rpc-port"))
        self.rpc_url = f"http://127.0.0.1:{rpc_port}/{RPC_PREFIX}/"

    async def _open(self, handler: Handler, body_limit: int, where: tuple[str, int, str]) -> int:
        listener = HttpListener(handler, body_limit)
        self._listeners.append(listener)
        return await listener.open(*where)

    def _management_api(self, *, is_rpc: bool) -> ManagementApi:
        code = self._keys.of_extension(DURABLE_SYSTEM_KEY)
        return ManagementApi(self._hub, is_rpc=is_rpc, base_url=self.url, code=code)

    def _client_value(self, task_hub: str | None, connection: str | None) -> str:
        code = self._keys.of_extension(DURABLE_SYSTEM_KEY)
        return client_binding(self._app.hub_settings, self.url, self.rpc_url, code, task_hub, connection)


def _under(prefix: str, api: ManagementApi) -> Handler:
    """Serve the management API below one path and nothing else."""

    async def handle(request: web.Request) -> web.StreamResponse:
        first, _, path = request.path.lstrip("/").partition("/")
        return await api.handle(request, path) if first.lower() == prefix else web.Response(status=404)

    return handle


def _host_id(root: Path) -> str:
    """The same in every life of this app on this machine: leases and status records are found again by it."""
    return hashlib.sha256(f"{platform.node()}:{root}".encode()).hexdigest()[:32]
