"""The mail sink put together: one inbox, filled by SMTP and read over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from sandbox import process
from sandbox.database import Database
from sandbox.mail.http import MailApi
from sandbox.mail.smtp import protocol
from sandbox.mail.store import Inbox


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """`data` None keeps everything in memory."""

    host: str = "127.0.0.1"
    http_port: int = 0
    smtp_port: int = 0
    data: Path | None = None


@asynccontextmanager
async def mail(options: Options) -> AsyncIterator[dict[str, str]]:
    """Serve while open; yields `{"url", "smtp"}`. Raises PortTaken."""
    http_listener = process.listen(options.host, options.http_port, "--http-port")
    smtp_listener = process.listen(options.host, options.smtp_port, "--smtp-port")
    database = Database(options.data, Path(__file__).with_name("queries.sql"))
    inbox = Inbox(database)
    app = web.Application()
    app.add_routes(MailApi(inbox).routes())
    smtp = await asyncio.get_running_loop().create_server(lambda: protocol(inbox), sock=smtp_listener)
    runner = await process.serve_http(app, http_listener)
    try:
        yield {"url": process.address(http_listener, "http"), "smtp": process.address(smtp_listener, "smtp")}
    finally:
        smtp.close()
        await runner.cleanup()
        database.close()
