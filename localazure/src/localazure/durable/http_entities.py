"""The entity routes of the management API."""

from __future__ import annotations

import json
from datetime import datetime

from aiohttp import web

from localazure.durable.entity_ids import entity_id
from localazure.durable.http_answers import empty, json_answer
from localazure.durable.http_pages import PAGE_HEADER, page, page_position, page_size
from localazure.durable.hub import TaskHub
from localazure.durable.parameters import Parameters, json_text
from localazure.durable.sdk import is_json
from localazure.durable.status import RuntimeStatus
from localazure.durable.store import Entity, EntityQuery
from localazure.durable.views import entity_instance_view, entity_view, shown


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

    async def list_as_instances(self, request: web.Request, query: Parameters) -> web.Response:
        """Entities in the form of instances, for lists that ask for ids beginning with `@`."""
        top = page_size(query, is_rpc=self._is_rpc)
        statuses = query.statuses("runtimeStatus")
        found = await self._find(
            request,
            top,
            prefix=query.text("instanceIdPrefix"),
            updated_from=query.time("createdTimeFrom"),
            updated_to=query.time("createdTimeTo"),
        )
        if statuses and RuntimeStatus.RUNNING not in statuses:
            found = []
        show_input = query.flag("showInput", default=True)
        return page(found, top, _position, lambda entity: entity_instance_view(entity, show_input=show_input))

    async def _signal(self, name: str, key: str, operation: str, input_json: str) -> web.Response:
        await self._hub.signal_entity(entity_id(name, key), operation, input_json)
        return empty(202)

    async def _input(self, request: web.Request) -> str:
        """The body as an entity's batch carries it: JSON text of JSON text.

        The SDK's client sends a JSON string that holds JSON text, so such a string is not encoded a second time.
        """
        if request.content_type.lower() != "application/json":
            text = (await request.read()).decode("utf-8", "replace")
            return json.dumps(json.dumps(text)) if text else json.dumps("null")
        body = await json_text(request)
        if body is None:
            return json.dumps("null")
        value = json.loads(body)
        return body if isinstance(value, str) and is_json(value) else json.dumps(body)

    async def _list(self, request: web.Request, query: Parameters, parts: list[str]) -> web.Response:
        top = page_size(query, is_rpc=self._is_rpc)
        found = await self._find(
            request,
            top,
            prefix=f"@{parts[0].lower()}@" if parts else "@",
            updated_from=query.time("lastOperationTimeFrom"),
            updated_to=query.time("lastOperationTimeTo"),
        )
        show_state = query.flag("fetchState")
        return page(found, top, _position, lambda entity: entity_view(entity, show_state=show_state))

    async def _find(
        self,
        request: web.Request,
        top: int | None,
        *,
        prefix: str,
        updated_from: datetime | None,
        updated_to: datetime | None,
    ) -> list[Entity]:
        """One page of entities, and one more when there is one."""
        token = request.headers.get(PAGE_HEADER, "")
        after = page_position(token, parts=1)[0] if token else ""
        limit = None if top is None else top + 1
        return await self._hub.find_entities(EntityQuery(prefix, updated_from, updated_to, after, limit))


def _position(entity: Entity) -> tuple[str]:
    return (entity.entity_id,)
