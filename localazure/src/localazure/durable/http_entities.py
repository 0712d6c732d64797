"""The entity routes of the management API."""

from __future__ import annotations

import json

from aiohttp import web

from localazure.durable.entity_ids import entity_id
from localazure.durable.http_answers import empty, json_answer
from localazure.durable.hub import TaskHub
from localazure.durable.parameters import Parameters, json_text, page_position, page_token
from localazure.durable.store import EntityQuery
from localazure.durable.views import entity_instance_view, entity_view, shown

PAGE = 100
PAGE_HEADER = "x-ms-continuation-token"


class EntityApi:
    """Routes under `entities/`."""

    def __init__(self, hub: TaskHub, *, is_rpc: bool) -> None:
        self._hub = hub
        self._is_rpc = is_rpc

    async def route(self, method: str, request: web.Request, query: Parameters, parts: list[str]) -> web.Response:
        match method, parts:
            case "POST", [name, key]:
                return await self._signal(name, key, query.text("op"), await self._input(request))
            case "DELETE", [name, key]:
                return await self._signal(name, key, "delete", json.dumps("null"))
            case "GET", [name, key]:
                entity = await self._hub.get_entity(entity_id(name, key))
                return empty(404) if entity is None else json_answer(shown(entity.state))
            case "GET", [] | [_]:
                return await self._list(request, query, parts)
        return empty(404)

    async def list_as_instances(self, prefix: str) -> web.Response:
        """Entities in the form of instances, for lists that ask for ids beginning with `@`."""
        found = await self._hub.find_entities(EntityQuery(prefix=prefix))
        return json_answer([entity_instance_view(entity) for entity in found])

    async def _signal(self, name: str, key: str, operation: str, input_json: str) -> web.Response:
        await self._hub.signal_entity(entity_id(name, key), operation, input_json)
        return empty(202)

    async def _input(self, request: web.Request) -> str:
        """The body as an entity's batch carries it: JSON text of JSON text.

        The SDK's client sends a JSON string that holds JSON text, so a string is not encoded a second time.
        """
        if request.content_type.lower() != "application/json":
            text = await request.text()
            return json.dumps(json.dumps(text)) if text else json.dumps("null")
        body = await json_text(request)
        if body is None:
            return json.dumps("null")
        return body if isinstance(json.loads(body), str) else json.dumps(body)

    async def _list(self, request: web.Request, query: Parameters, parts: list[str]) -> web.Response:
        token = request.headers.get(PAGE_HEADER, "")
        top = query.count("top") or (None if self._is_rpc else PAGE)
        wanted = EntityQuery(
            prefix=f"@{parts[0].lower()}@" if parts else "@",
            updated_from=query.time("lastOperationTimeFrom"),
            updated_to=query.time("lastOperationTimeTo"),
            after=page_position(token)[0] if token else "",
            top=top,
        )
        found = await self._hub.find_entities(wanted)
        following = page_token(found[-1].entity_id) if top is not None and len(found) == top else ""
        views = [entity_view(entity, show_state=query.flag("fetchState")) for entity in found]
        return json_answer(views, headers={PAGE_HEADER: following})
