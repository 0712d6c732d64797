"""Event Grid output: publishes events to a topic, with its key or with a managed identity."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
from azure.core.credentials_async import AsyncTokenCredential
from azure.functions.meta import Datum

from localazure.host.errors import IndexingError
from localazure.host.functions import Binding, HostedFunction
from localazure.host.settings import Settings
from localazure.host.storage import identity_credential

_SCOPE = "https://eventgrid.azure.net/.default"
_TIME_LIMIT = aiohttp.ClientTimeout(total=60)


class EventGridWriter:
    """Sends each value as one request; the topic takes all of its events or none."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._session: aiohttp.ClientSession | None = None
        self._credentials: dict[str, AsyncTokenCredential] = {}

    async def __call__(self, function: HostedFunction, binding: Binding, datum: Datum) -> None:
        events = _events_of(datum)
        if not events:
            return
        headers = {"Content-Type": _content_type(events)} | await self._authorisation(binding)
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=_TIME_LIMIT, trust_env=True)
        topic = topic_uri(self._settings, binding)
        async with self._session.post(topic, data=json.dumps(events), headers=headers) as response:
            if response.status >= 300:
                answer = (await response.text())[:500]
                raise RuntimeError(f"{function.name}: the topic {topic} answered {response.status}: {answer}")

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
        for credential in self._credentials.values():
            await credential.close()

    async def _authorisation(self, binding: Binding) -> dict[str, str]:
        if key_setting := binding.text("topicKeySetting"):
            return {"aeg-sas-key": self._settings.get(key_setting)}
        name = binding.text("connection")
        if name not in self._credentials:
            self._credentials[name] = identity_credential(self._settings.connection(name))
        token = await self._credentials[name].get_token(_SCOPE)
        return {"Authorization": f"Bearer {token.token}"}


def topic_uri(settings: Settings, binding: Binding) -> str:
    """Where to publish: `topicEndpointUri` and `connection` name settings. Raises IndexingError."""
    if connection := binding.text("connection"):
        uri = settings.connection(connection).identity.get("topicEndpointUri", "")
        wanted = f"{connection}__topicEndpointUri"
    else:
        wanted = binding.text("topicEndpointUri", default="topicEndpointUri")
        uri = settings.get(wanted)
    if not uri.startswith(("http://", "https://")):
        raise IndexingError(f"The Event Grid output needs the URL of a topic in the setting '{wanted}'.")
    return uri


def _events_of(datum: Datum) -> list[dict[str, Any]]:
    """Text is one event or a list of them, and an element of a list may be text again."""
    content = json.loads(datum.value) if isinstance(datum.value, str | bytes) else datum.value
    events = content if isinstance(content, list) else [content]
    return [json.loads(event) if isinstance(event, str) else event for event in events]


def _content_type(events: list[dict[str, Any]]) -> str:
    is_cloud_event = all("specversion" in event for event in events)
    return "application/cloudevents-batch+json" if is_cloud_event else "application/json"
