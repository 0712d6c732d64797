"""The inbox over HTTP: JSON for tests, a page for people."""

from __future__ import annotations

from dataclasses import asdict

from aiohttp import web

from sandbox.mail.page import inbox_page
from sandbox.mail.store import Filter, Inbox, Message

_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
    "Cache-Control": "no-store",
}


class MailApi:
    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self.show_page),
            web.post("/clear", self.clear_page),
            web.get("/messages", self.list_messages),
            web.delete("/messages", self.clear_messages),
            web.get("/messages/{id}", self.read_message),
            web.get("/messages/{id}/raw", self.read_raw),
        ]

    async def list_messages(self, request: web.Request) -> web.Response:
        """All mail, oldest first, or what the filters `to`, `subject` and `contains` leave of it."""
        query = request.query
        wanted = Filter(query.get("to"), query.get("subject"), query.get("contains"))
        return web.json_response([_shown(message) for message in self._inbox.messages(wanted)])

    async def read_message(self, request: web.Request) -> web.Response:
        message = self._inbox.message(request.match_info["id"])
        return web.json_response(_shown(message)) if message else _not_found()

    async def read_raw(self, request: web.Request) -> web.Response:
        raw = self._inbox.raw(request.match_info["id"])
        return web.Response(body=raw, content_type="text/plain") if raw is not None else _not_found()

    async def clear_messages(self, _request: web.Request) -> web.Response:
        self._inbox.clear()
        return web.Response(status=204)

    async def show_page(self, request: web.Request) -> web.Response:
        contains = request.query.get("contains", "")
        page = inbox_page(self._inbox.messages(Filter(contains=contains or None)), contains)
        return web.Response(text=page, content_type="text/html", headers=_PAGE_HEADERS)

    async def clear_page(self, _request: web.Request) -> web.Response:
        self._inbox.clear()
        raise web.HTTPSeeOther("/")


def _shown(message: Message) -> dict[str, object]:
    shown = asdict(message)
    return {"from": shown.pop("sender"), **shown}


def _not_found() -> web.Response:
    return web.json_response({"error": "no such message"}, status=404)
