"""The host: what is started in which order, and stopped in which order."""

from __future__ import annotations

import asyncio
import hashlib
import os
import platform
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from localazure.clock import Clock
from localazure.durable.client_binding import client_binding
from localazure.durable.errors import HubInUse
from localazure.durable.http import ManagementApi
from localazure.durable.hub import TaskHub
from localazure.durable.settings import TaskHubSettings
from localazure.host.app import App
from localazure.host.console import print_functions
from localazure.host.cosmos_bindings import CosmosReader, CosmosWriter
from localazure.host.cosmos_clients import CosmosClients
from localazure.host.durable import DURABLE_CLIENT, DurableClientReader, DurableFunctions
from localazure.host.errors import ConfigError
from localazure.host.http.admin import Admin
from localazure.host.http.cors import Cors
from localazure.host.http.event_grid import EventGridWebhook
from localazure.host.http.gateway import Gateway, HttpOptions
from localazure.host.http.keys import DURABLE_SYSTEM_KEY, EVENT_GRID_SYSTEM_KEY, Keys
from localazure.host.http.listeners import HttpListener
from localazure.host.http.routes import RouteTable
from localazure.host.invocation import Invoker
from localazure.host.queue_options import QueueOptions
from localazure.host.queue_output import QueueWriter
from localazure.host.storage import StorageClients
from localazure.host.trigger_listeners import TriggerListeners

RPC_PREFIX = "durabletask"


@dataclass(frozen=True)
class HostOptions:
    """What the command line says. `host` is the address of the public listener; port 0 means any free one."""

    host: str
    rpc_port: int
    state: Path
    enable_auth: bool = False
    grace_s: float = 30.0


class Host:
    """One app, running. Raises ConfigError when made, PortTakenError when started."""

    def __init__(self, app: App, options: HostOptions, clock: Clock) -> None:
        options.state.mkdir(parents=True, exist_ok=True)
        extensions = app.host_json.section("extensions")
        self._app, self._options, self._clock = app, options, clock
        self._id = _host_id(app.root)
        self._http = HttpOptions.read(extensions.section("http"), app.settings)
        self._hub_settings = _hub_settings(app)
        self._storage, self._cosmos = StorageClients(app.settings), CosmosClients(app.settings)
        queues = QueueOptions.read(extensions.section("queues"))
        self._triggers = TriggerListeners(app, self._storage, self._cosmos, queues)
        self._invoker = Invoker(
            app.root,
            clock,
            time_limit=app.time_limit,
            threads=app.threads,
            readers={DURABLE_CLIENT: DurableClientReader(self._client_value), "cosmosdb": CosmosReader(self._cosmos)},
            writers={
                "queue": QueueWriter(queues, self._storage, self._triggers.wake_queue),
                "cosmosdb": CosmosWriter(self._cosmos),
            },
        )
        keys = Keys(app.settings, options.state / "keys" / "host.json", is_enforced=options.enable_auth)
        self._code = keys.of_extension(DURABLE_SYSTEM_KEY)
        self._hub = TaskHub(
            self._hub_settings, DurableFunctions(app.index, self._invoker), options.state / "hub.sqlite", clock
        )
        prefix = self._http.route_prefix
        self._admin = Admin(app.index, self._invoker, keys, app.host_json, host_id=self._id, route_prefix=prefix)
        self._gateway = Gateway(
            routes=RouteTable(app.index.runnable("httptrigger"), prefix),
            invoker=self._invoker,
            admin=self._admin,
            keys=keys,
            cors=Cors(app.local_host.cors_origins, app.local_host.cors_credentials),
            options=self._http,
        )
        self._gateway.mount("eventgrid", EventGridWebhook(app.index, self._invoker), EVENT_GRID_SYSTEM_KEY)
        self._public = HttpListener(self._gateway.handle, self._http.body_limit)
        self._rpc = HttpListener(self._serve_rpc)
        self.url = self.rpc_url = ""

    async def start(self) -> None:
        """Open the listeners, start the task hub, start the triggers; then, and only then, answer requests."""
        await self._open_listeners()
        try:
            await self._hub.start()
        except HubInUse as error:
            raise ConfigError(f"{error} Choose another directory with --state.") from error
        self._triggers.start(self._invoker, self._clock, self._options.state, self._id)
        self._gateway.is_open = True
        self._admin.state = "Running"
        print_functions(self._app.index, self._admin.base_url, self._http.route_prefix)

    async def stop(self) -> bool:
        """Begin nothing new, let what runs end within the grace period, cancel the rest, close everything.

        Returns False when threads of the app are still running: they cannot be ended from outside.
        """
        self._admin.state = "Stopping"
        self._gateway.is_open = False
        loop = asyncio.get_running_loop()
        end = loop.time() + self._options.grace_s
        await self._triggers.stop(self._options.grace_s)
        await self._hub.stop(max(end - loop.time(), 0))
        await self._invoker.drain(max(end - loop.time(), 0))
        await self._public.close()
        await self._rpc.close()
        await self._storage.close()
        await self._cosmos.close()
        return self._invoker.busy_threads == 0

    async def _open_listeners(self) -> None:
        address = self._options.host
        port = await self._public.open(address, self._app.port, "--port")
        rpc_port = await self._rpc.open("127.0.0.1", self._options.rpc_port, "--rpc-port")
        self.url, self.rpc_url = f"http://{address}:{port}", f"http://127.0.0.1:{rpc_port}/{RPC_PREFIX}/"
        self._admin.base_url = f"http://localhost:{port}" if address == "127.0.0.1" else self.url
        self._gateway.mount(
            "durabletask",
            ManagementApi(self._hub, is_rpc=False, base_url=self.url, code=self._code),
            DURABLE_SYSTEM_KEY,
        )
        self._rpc_api = ManagementApi(self._hub, is_rpc=True, base_url=self.url, code=self._code)

    async def _serve_rpc(self, request: web.Request) -> web.StreamResponse:
        prefix, _, path = request.path.lstrip("/").partition("/")
        if prefix.lower() != RPC_PREFIX:
            return web.Response(status=404)
        return await self._rpc_api.handle(request, path)

    def _client_value(self, task_hub: str | None, connection: str | None) -> str:
        return client_binding(self._hub_settings, self.url, self.rpc_url, self._code, task_hub, connection)


def _hub_settings(app: App) -> TaskHubSettings:
    section = app.host_json.section("extensions").section("durableTask")
    try:
        return TaskHubSettings.from_host_json(section.values, os.environ)
    except ValueError as error:
        raise ConfigError(f"host.json: {error}") from error


def _host_id(root: Path) -> str:
    """The same in every life of this app on this machine: leases and status records are found again by it."""
    return hashlib.sha256(f"{platform.node()}:{root}".encode()).hexdigest()[:32]
