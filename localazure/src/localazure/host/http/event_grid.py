"""The webhooks that take events of Event Grid: handshakes of the topic, and one call per event."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from azure.functions.meta import Datum

from localazure.durable.functions import FunctionFailure
from localazure.host.functions import HostedFunction
from localazure.host.index import Index
from localazure.host.invocation import MANUAL_REASON, Invoker, TriggerCall
from localazure.host.json_input import parse_json

TRIGGER = "eventgridtrigger"
_CLOUD_EVENTS = frozenset({"application/cloudevents+json", "application/cloudevents-batch+json"})

Receiver = Callable[[Any], Awaitable[object]]
"""Takes one event and returns once it needs no second delivery. Raises FunctionFailure."""


class EventGridWebhook:
    """Serves `/runtime/webhooks/<extension>?functionName=<name>`. `find` gives the receiver of a name, or None.

    The topic hears of a delivery only when all its events are dealt with: a host that dies before gets them again.
    """

    def __init__(self, find: Callable[[str], Receiver | None]) -> None:
        self._find = find

    async def handle(self, request: web.Request, path: str) -> web.StreamResponse:  # noqa: ARG002  # there is one page
        name = request.query.get("functionName", "")
        receiver = self._find(name)
        if receiver is None:
            return web.Response(status=404, text=f"cannot find function: '{name}'")
        if request.method == "OPTIONS":
            origin = request.headers.get("WebHook-Request-Origin", "*")
            return web.Response(headers={"WebHook-Allowed-Origin": origin, "WebHook-Allowed-Rate": "*"})
        event_type = _event_type(request)
        if event_type == "unsubscribe":
            return web.Response(status=202)
        try:
            content = parse_json(await request.read())
            if event_type == "subscriptionvalidation":
                return _validated(content)
        except ValueError:
            return web.Response(status=400)
        if event_type == "notification":
            return await _deliver(receiver, content if isinstance(content, list) else [content])
        return web.Response(status=400)


async def _deliver(receiver: Receiver, events: list[Any]) -> web.Response:
    calls = [asyncio.ensure_future(receiver(event)) for event in events]
    for outcome in await asyncio.gather(*calls, return_exceptions=True):
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
        data = parse_json(data)
    if not isinstance(data, dict) or "validationCode" not in data:
        return web.Response(status=400)
    return web.json_response({"validationResponse": data["validationCode"]})


def receivers(index: Index, invoker: Invoker) -> Callable[[str], Receiver | None]:
    """The functions with an Event Grid trigger, by name."""
    functions = {function.name.lower(): function for function in index.runnable(TRIGGER)}

    def find(name: str) -> Receiver | None:
        function = functions.get(name.lower())
        return _receiver(function, invoker) if function else None

    return find


def _receiver(function: HostedFunction, invoker: Invoker) -> Receiver:
    return lambda event: asyncio.create_task(invoker.invoke(function, event_call(event, "Event Grid event.")))


def event_call(event: Any, reason: str) -> TriggerCall:
    values = event if isinstance(event, dict) else {}
    return TriggerCall(Datum(json.dumps(event), "json"), reason, values=values)


def manual_call(_: HostedFunction, text: str) -> TriggerCall:
    """`text` is one event. Raises ValueError when it is not JSON."""
    return event_call(parse_json(text), MANUAL_REASON)
