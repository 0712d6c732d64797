"""The endpoints that list and change keys: `/admin/host/{keys,functionkeys,systemkeys}` and a function's own."""

from __future__ import annotations

from aiohttp import web

from localazure.host.http.keys import HOST, MASTER, SYSTEM, Keys
from localazure.host.index import Index
from localazure.host.json_input import parse_json

_HOST_SCOPES = {"keys": HOST, "functionkeys": HOST, "systemkeys": SYSTEM}


class KeyPages:
    """A key is listed with its value; the master key is among the system keys."""

    def __init__(self, keys: Keys, index: Index) -> None:
        self._keys = keys
        self._index = index

    async def handle(self, request: web.Request, path: str) -> web.Response | None:
        """None when the path is not one of keys."""
        match path.split("/"):
            case [place, kind, *rest] if place.lower() == "host" and kind.lower() in _HOST_SCOPES and len(rest) < 2:
                return await self._answer(request, _HOST_SCOPES[kind.lower()], rest[0] if rest else "")
            case [place, function, kind, *rest] if (place.lower(), kind.lower()) == ("functions", "keys"):
                known = self._index.find(function)
                if known is not None and len(rest) < 2:
                    return await self._answer(request, known.name, rest[0] if rest else "")
        return None

    async def _answer(self, request: web.Request, scope: str, name: str) -> web.Response:
        match request.method:
            case "GET":
                return self._list(scope) if not name else self._show(scope, name)
            case "POST" if name:
                return self._put(scope, name, None)
            case "PUT" if name:
                value = _value_of(await request.read())
                return self._put(scope, name, value) if value else web.Response(status=400)
            case "DELETE" if name:
                return web.Response(status=204 if self._keys.delete(scope, name) else 404)
        return web.Response(status=404)

    def _list(self, scope: str) -> web.Response:
        listed = [{"name": name, "value": value} for name, value in self._all(scope).items()]
        return web.json_response({"keys": listed, "links": []})

    def _show(self, scope: str, name: str) -> web.Response:
        value = self._all(scope).get(name)
        return web.json_response({"name": name, "value": value}) if value else web.Response(status=404)

    def _put(self, scope: str, name: str, value: str | None) -> web.Response:
        if scope == SYSTEM and name == MASTER:
            return web.json_response({"name": name, "value": self._keys.renew_master(value)})
        kept, is_new = self._keys.put(scope, name, value)
        return web.json_response({"name": name, "value": kept}, status=201 if is_new else 200)

    def _all(self, scope: str) -> dict[str, str]:
        return ({MASTER: self._keys.master} if scope == SYSTEM else {}) | self._keys.of(scope)


def _value_of(body: bytes) -> str:
    """The `value` of a key in a request, or empty."""
    try:
        content = parse_json(body)
    except ValueError:
        return ""
    value = content.get("value") if isinstance(content, dict) else None
    return value if isinstance(value, str) else ""
