"""The HTTP management API: parses requests, asks the hub, and renders answers and errors, for both listeners.

The RPC listener serves the SDK's client: the same routes, with the whole list at once and the history under a second
name, because that client neither pages nor maps the first.
"""

from __future__ import annotations

import logging
from datetime import datetime

from aiohttp import web

from localazure.durable.client_binding import management_urls
from localazure.durable.errors import HubError, InstanceEnded, InstanceNotFound, InvalidArgument, InvalidRequest
from localazure.durable.events import parse_time, time_text
from localazure.durable.http_answers import empty, json_answer, refusal, unexpected
from localazure.durable.http_entities import EntityApi
from localazure.durable.http_pages import PAGE_HEADER, page, page_position, page_size
from localazure.durable.hub import TaskHub
from localazure.durable.parameters import Parameters, json_text
from localazure.durable.records import Instance
from localazure.durable.status import RuntimeStatus
from localazure.durable.store import InstanceQuery
from localazure.durable.views import history_view, shown, status_view

log = logging.getLogger("localazure.durable")

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
        if query.text("instanceIdPrefix").startswith("@"):
            return await self._entities.list_as_instances(request, query)
        top = page_size(query, is_rpc=self._is_rpc)
        wanted = InstanceQuery(
            created_from=query.time("createdTimeFrom"),
            created_to=query.time("createdTimeTo"),
            statuses=query.statuses("runtimeStatus"),
            prefix=query.text("instanceIdPrefix"),
            after=_position(request),
            top=None if top is None else top + 1,
        )
        found = await self._hub.find(wanted)
        show_input = query.flag("showInput", default=True)
        return page(
            found,
            top,
            lambda instance: (time_text(instance.created_at), instance.start.instance_id),
            lambda instance: status_view(instance, show_input=show_input),
        )

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
                return await self._restart(query, instance_id)
            case _:
                return empty(404)
        return empty(202)

    async def _restart(self, query: Parameters, instance_id: str) -> web.Response:
        """The SDK's client explains a 404 well; others are told as the original tells them."""
        with_new_id = query.flag("restartWithNewInstanceId", default=True)
        try:
            restarted = await self._hub.restart(instance_id, with_new_id=with_new_id)
        except InstanceNotFound as unknown:
            if self._is_rpc:
                raise
            raise InvalidArgument(str(unknown)) from unknown
        return await self._started(query, restarted)


def _position(request: web.Request) -> tuple[datetime, str] | None:
    """Creation time and id of the last instance on the page before. Raises InvalidRequest."""
    token = request.headers.get(PAGE_HEADER, "")
    if not token:
        return None
    created_at, instance_id = page_position(token, parts=2)
    try:
        return parse_time(created_at), instance_id
    except ValueError as invalid:
        raise InvalidRequest("The continuation token is not one of this list.") from invalid


def _final_status(instance: Instance, query: Parameters) -> int:
    failed = instance.status == RuntimeStatus.FAILED
    return 500 if failed and query.flag("returnInternalServerErrorOnFailure") else 200
