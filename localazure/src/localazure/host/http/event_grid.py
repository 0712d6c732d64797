"""The webhook of the Event Grid trigger: handshakes of the topic, and one invocation per event."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from aiohttp import web
from azure.functions.meta import Datum

from localazure.durable.functions import FunctionFailure
from localazure.host.functions import HostedFunction
from localazure.host.index import Index
from localazure.host.invocation import MANUAL_REASON, Invoker, TriggerCall

TRIGGER = "eventgridtrigger"
_CLOUD_EVENTS = frozenset({"application/cloudevents+json", "application/cloudevents-batch+json"})


class EventGridWebhook:
    """Serves `/runtime/webhooks/EventGrid?functionName=<name>`."""

    def __init__(self, index: Index, invoker: Invoker) -> None:
        self._functions = {function.name.lower(): function for function in index.runnable(TRIGGER)}
        self._invoker = invoker

    async def handle(self, request: web.Request, path: str) -> web.StreamResponse:  # noqa: ARG002  # there is one page
        name = request.query.get("functionName", "")
        function = self._functions.get(name.lower())
        if function is None:
            return web.Response(status=404, text=f"cannot find function: '{name}'")
        if request.method == "OPTIONS":
            origin = request.headers.get("WebHook-Request-Origin", "*")
            return web.Response(headers={"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"})
        try:
            content = json.loads(await request.read())
        except ValueError:
            return web.Response(status=400)
        match _event_type(request):
            case "subscriptionvalidation":
                return _validated(content)
            case "notification":
                return await self._deliver(function, content if isinstance(content, list) else [content])
            case "unsubscribe":
                return web.Response(status=202)
        return web.Response(status=400)

    async def _deliver(self, function: HostedFunction, events: list[Any]) -> web.Response:
        calls = [self._invoker.invoke(function, event_call(event, "Event Grid event.")) for event in events]
        outcomes = await asyncio.gather(*(asyncio.create_task(call) for call in calls), return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, FunctionFailure):
                return web.Response(status=500, text=str(outcome))
            if isinstance(outcome, BaseException):
                raise outcome
        return web.Response(status=202)


def _event_type(request: web.Request) -> str:
    is_cloud_event = request.content_type in _CLOUD_EVENTS
    return request.headers.get("aeg-event-type", "Notification" if is_cloud_event else "").lower()


def _validated(content: Any) -> web.Response:
    """Echo the code of the handshake: in the first event of a list, or in a CloudEvent (data may be JSON text)."""
    event = content[0] if isinstance(content, list) and content else content
    data = event.get("data") if isinstance(event, dict) else None
    if isinstance(data, str):
        data = json.loads(data)
    if not isinstance(data, dict) or "validationCode" not in data:
        return web.Response(status=400)
    return web.json_response({"validationResponse": data["validationCode"]})


def event_call(event: Any, reason: str) -> TriggerCall:
    values = event if isinstance(event, dict) else {}
    return TriggerCall(Datum(json.dumps(event), "json"), reason, values=values)


def manual_call(text: str) -> TriggerCall:
    """`text` is one event. Raises ValueError when it is not JSON."""
    return event_call(json.loads(text), MANUAL_REASON)
