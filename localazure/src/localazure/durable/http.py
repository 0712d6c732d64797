"""The HTTP management API: parses requests, asks the hub, and renders answers and errors, for both listeners.

The RPC listener serves the SDK's client: the same routes, with the whole list at once and the history under a second
name, because that client neither pages nor maps the first.
"""

from __future__ import annotations

import logging

from aiohttp import web

from localazure.durable.client_binding import management_urls
from localazure.durable.errors import HubError, InstanceEnded, InvalidRequest
from localazure.durable.events import parse_time, time_text
from localazure.durable.http_answers import empty, json_answer, refusal, unexpected
from localazure.durable.http_entities import EntityApi
from localazure.durable.hub import TaskHub
from localazure.durable.parameters import Parameters, json_text, page_position, page_token
from localazure.durable.records import Instance
from localazure.durable.status import RuntimeStatus
from localazure.durable.store import InstanceQuery
from localazure.durable.views import history_view, shown, status_view

log = logging.getLogger("localazure.durable")

PAGE = 100
PAGE_HEADER = "x-ms-continuation-token"
STATUS_RETRY_S = "5"
START_RETRY_S = "10"
START_LINKS = (
    "id",
    "statusQueryGetUri",
    "sendEventPostUri",
    "terminatePostUri",
    "purgeHistoryDeleteUri",
    "restartPostUri",
    "suspendPostUri",
    "resumePostUri",
)


class ManagementApi:
    """One listener's view of a hub. `base_url` is the public listener's root; `code` goes into the URLs it gives."""

    def __init__(self, hub: TaskHub, is_rpc: bool, base_url: str, code: str) -> None:
        self._hub = hub
        self._is_rpc = is_rpc
        self._base_url = base_url
        self._code = code
        self._entities = EntityApi(hub, is_rpc=is_rpc)

    async def handle(self, request: web.Request, path: str) -> web.Response:
        """Answer a request; `path` is what follows the API's root, decoded."""
        query = Parameters(request.query)
        parts = [part for part in path.split("/") if part]
        try:
            self._check_hub(query)
            return await self._route(request, query, [part.lower() for part in parts[:1]] + parts[1:])
        except HubError as refused:
            return refusal(refused)
        except web.HTTPException as refused:  # the listener's own limits, such as that on the size of bodies
            return empty(refused.status)
        except Exception:  # the client shall get JSON whatever happens
            log.exception("%s %s failed", request.method, path)
            return unexpected()

    def _check_hub(self, query: Parameters) -> None:
        name, wanted = self._hub.settings.hub_name, query.text("taskHub")
        if wanted and wanted.lower() != name.lower():
            raise InvalidRequest(f"This host serves the task hub '{name}', not '{wanted}'.")

    async def _route(self, request: web.Request, query: Parameters, parts: list[str]) -> web.Response:
        match request.method, parts:
            case "POST", ["orchestrators", name, *rest]:
                return await self._start(request, query, name, "/".join(rest) or None)
            case "GET", ["instances"]:
                return await self._list(request, query)
            case "DELETE", ["instances"]:
                return await self._purge_matching(query)
            case "GET", ["instances", instance_id]:
                return await self._status(request, query, instance_id)
            case "DELETE", ["instances", instance_id]:
                await self._hub.purge(instance_id)
                return json_answer({"instancesDeleted": 1})
            case "POST", ["instances", instance_id, operation, event_name] if operation.lower() == "raiseevent":
                return await self._raise_event(request, instance_id, event_name)
            case "POST", ["instances", instance_id, operation]:
                return await self._operate(query, instance_id, operation.lower())
            case method, ["entities", *rest]:
                return await self._entities.route(method, request, query, rest)
            case "POST", ["makeprimary"]:
                return empty(200)
        return empty(404)

    async def _start(self, request: web.Request, query: Parameters, name: str, instance_id: str | None) -> web.Response:
        body = await json_text(request)
        started = await self._hub.start_instance(name, instance_id, body, query.text("version") or None)
        return await self._started(query, started)

    async def _started(self, query: Parameters, instance_id: str) -> web.Response:
        timeout_s, interval_s = query.seconds("timeout"), query.seconds("pollingInterval")
        if timeout_s is not None and interval_s is not None:
            instance = await self._hub.wait(instance_id, timeout_s)
            if instance.status == RuntimeStatus.COMPLETED:
                return json_answer(shown(instance.output))
            if instance.status.is_final:
                return json_answer(status_view(instance), status=_final_status(instance, query))
        settings = self._hub.settings
        urls = management_urls(self._base_url, instance_id, settings.hub_name, settings.connection_name, self._code)
        links = {key: urls[key] for key in START_LINKS}
        headers = {"Location": urls["statusQueryGetUri"], "Retry-After": START_RETRY_S}
        return json_answer(links, status=202, headers=headers)

    async def _status(self, request: web.Request, query: Parameters, instance_id: str) -> web.Response:
        instance = await self._hub.get(instance_id)
        show_input = query.flag("showInput", default=True)
        view = status_view(instance, show_input=show_input)
        if query.flag("showHistory"):
            history = await self._hub.history(instance_id)
            view["historyEvents"] = history_view(
                history, show_input=show_input, show_output=query.flag("showHistoryOutput")
            )
            if self._is_rpc:
                view["history"] = view["historyEvents"]
        if instance.status.is_final:
            return json_answer(view, status=_final_status(instance, query))
        return json_answer(view, status=202, headers={"Location": str(request.url), "Retry-After": STATUS_RETRY_S})

    async def _list(self, request: web.Request, query: Parameters) -> web.Response:
        token = request.headers.get(PAGE_HEADER, "")
        top = query.count("top") or (None if self._is_rpc else PAGE)
        if query.text("instanceIdPrefix").startswith("@"):
            return await self._entities.list_as_instances(query.text("instanceIdPrefix"))
        after = page_position(token) if token else None
        wanted = InstanceQuery(
            created_from=query.time("createdTimeFrom"),
            created_to=query.time("createdTimeTo"),
            statuses=query.statuses("runtimeStatus"),
            prefix=query.text("instanceIdPrefix"),
            after=(parse_time(after[0]), after[1]) if after else None,
            top=top,
        )
        found = await self._hub.find(wanted)
        show_input = query.flag("showInput", default=True)
        last = found[-1] if top is not None and len(found) == top else None
        following = page_token(time_text(last.created_at), last.start.instance_id) if last else ""
        views = [status_view(instance, show_input=show_input) for instance in found]
        return json_answer(views, headers={PAGE_HEADER: following})

    async def _purge_matching(self, query: Parameters) -> web.Response:
        created_from = query.time("createdTimeFrom")
        if created_from is None:
            return json_answer("Please provide value for 'createdTimeFrom' parameter.", status=400)
        wanted = InstanceQuery(
            created_from=created_from,
            created_to=query.time("createdTimeTo"),
            statuses=query.statuses("runtimeStatus"),
        )
        deleted = await self._hub.purge_matching(wanted)
        return json_answer({"instancesDeleted": deleted}) if deleted else empty(404)

    async def _raise_event(self, request: web.Request, instance_id: str, event_name: str) -> web.Response:
        instance = await self._hub.get(instance_id)
        if instance.status.is_final:
            raise InstanceEnded(f"Instance '{instance_id}' is {instance.status}.")
        if request.content_type.lower() != "application/json":
            return json_answer({"Message": "Only application/json request content is supported"}, status=400)
        await self._hub.raise_event(instance_id, event_name, await json_text(request))
        return empty(202)

    async def _operate(self, query: Parameters, instance_id: str, operation: str) -> web.Response:
        reason = query.text("reason")
        match operation:
            case "terminate":
                await self._hub.terminate(instance_id, reason)
            case "suspend":
                await self._hub.suspend(instance_id, reason)
            case "resume":
                await self._hub.resume(instance_id, reason)
            case "rewind":
                await self._hub.rewind(instance_id, reason)
            case "restart":
                with_new_id = query.flag("restartWithNewInstanceId", default=True)
                return await self._started(query, await self._hub.restart(instance_id, with_new_id=with_new_id))
            case _:
                return empty(404)
        return empty(202)


def _final_status(instance: Instance, query: Parameters) -> int:
    failed = instance.status == RuntimeStatus.FAILED
    return 500 if failed and query.flag("returnInternalServerErrorOnFailure") else 200
