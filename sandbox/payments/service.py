"""The simulator put together: database, API, control endpoints, and the task that lets time pass."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from aiohttp import web

from sandbox import process
from sandbox.database import Database
from sandbox.payments.clock import Clock
from sandbox.payments.control import Control, explain_bad_requests
from sandbox.payments.desk import Desk
from sandbox.payments.faults import Faults
from sandbox.payments.http import Api
from sandbox.payments.idempotency import Idempotency
from sandbox.payments.refund_operations import let_time_pass
from sandbox.payments.store import Store
from sandbox.payments.webhooks import TIMEOUT_S, Outbox, Sender, Target

LOOK_AGAIN_S = 60.0
DEVELOPMENT_SECRET = "whsec_sandbox"  # noqa: S105  # known to all, guards nothing

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`data` None keeps everything in memory; `api_key` None takes any `sk_test_` key."""

    host: str = "127.0.0.1"
    port: int = 0
    data: Path | None = None
    api_key: str | None = None
    webhook_url: str | None = None
    webhook_secret: str = DEVELOPMENT_SECRET


@asynccontextmanager
async def payments(options: Options) -> AsyncIterator[dict[str, str]]:
    """Serve while open; yields `{"url"}`. Raises PortTaken."""
    listener = process.listen(options.host, options.port, "--port")
    database = Database(options.data, Path(__file__).with_name("queries.sql"))
    clock = Clock(database)
    outbox = Outbox(database, clock)
    desk = Desk(Store(database), outbox, clock)
    faults = Faults()
    if options.webhook_url:
        outbox.aim(Target(url=options.webhook_url, secret=options.webhook_secret))
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S)) as session:
        sender = Sender(outbox, session)
        api = Api(desk, clock=clock, idempotency=Idempotency(database), faults=faults, api_key=options.api_key)
        control = Control(
            api=api, database=database, desk=desk, clock=clock, faults=faults, outbox=outbox, sender=sender,
            secret=options.webhook_secret,
        )  # fmt: skip
        app = web.Application(middlewares=[explain_bad_requests])
        app.add_routes([*control.routes(), *api.routes()])
        with desk.store.transaction():
            let_time_pass(desk)
        runner = await process.serve_http(app, listener)
        passing = asyncio.create_task(_pass_time(desk, clock, outbox, sender))
        try:
            yield {"url": process.address(listener, "http")}
        finally:
            passing.cancel()
            with suppress(asyncio.CancelledError):
                await passing
            await runner.cleanup()
            database.close()


async def _pass_time(desk: Desk, clock: Clock, outbox: Outbox, sender: Sender) -> None:
    """Do what falls due, send what happened, and wait for the next of either; a defect ends neither."""
    while True:
        outbox.news.clear()
        try:
            wait_s = await _do_what_is_due(desk, clock, outbox, sender)
        except Exception:
            log.exception("action=pass_time")
            wait_s = LOOK_AGAIN_S
        with suppress(TimeoutError):
            # not wait_for: before Python 3.12 it can swallow the cancellation that ends this task
            async with asyncio.timeout(wait_s):
                await outbox.news.wait()


async def _do_what_is_due(desk: Desk, clock: Clock, outbox: Outbox, sender: Sender) -> float:
    """One round; how many seconds there are until the next is needed, if nothing happens before."""
    with desk.store.transaction():
        let_time_pass(desk)
    await sender.send_due()
    moments = [at for at in (desk.store.next_settlement(), outbox.next_due()) if at is not None]
    return min([LOOK_AGAIN_S, *(max(at - clock.now(), 0) for at in moments)])
