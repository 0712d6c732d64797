"""Event Grid trigger: what a topic sends to the webhook of a function app."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import aiohttp
import pytest

NOTIFICATION = {"aeg-event-type": "Notification"}


class Topic:
    """A topic of Event Grid, as far as publishing goes. It runs in a thread of its own, for a whole module."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.status = 200
        topic = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                key, kind = self.headers.get("aeg-sas-key"), self.headers["Content-Type"]
                topic.requests.append({"key": key, "type": kind, "events": body})
                self.send_response(topic.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/api/events"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="module")
def topic() -> Iterator[Topic]:
    made = Topic()
    yield made
    made.close()


@pytest.fixture(scope="module")
def host(module_hosts: Any, topic: Topic) -> Any:
    return module_hosts.start("events", TOPIC_URL=topic.url, TOPIC_KEY="the-key")


@pytest.fixture
def webhook(host: Any) -> Any:
    return lambda name: f"{host.url}/runtime/webhooks/EventGrid?functionName={name}"


def _event(event_id: str, subject: str = "good") -> dict[str, Any]:
    return {
        "id": event_id,
        "topic": "t",
        "subject": subject,
        "eventType": "Parcel.Shipped",
        "eventTime": "2026-01-01T00:00:00Z",
        "data": {"parcel": event_id},
        "dataVersion": "1",
        "metadataVersion": "1",
    }


async def test_h084_validation_returns_the_code(webhook, http) -> None:
    body = [_event("1") | {"data": {"validationCode": "secret"}}]
    headers = {"aeg-event-type": "SubscriptionValidation"}
    async with http.post(webhook("on_event"), json=body, headers=headers) as response:
        assert (response.status, await response.json()) == (200, {"validationResponse": "secret"})


@pytest.mark.parametrize("data", [{"validationCode": "secret"}, '{"validationCode": "secret"}'])
async def test_h084_validation_by_a_cloud_event_returns_the_code(webhook, http, data) -> None:
    headers = {"aeg-event-type": "SubscriptionValidation"}
    body = {"specversion": "1.0", "id": "v", "data": data}
    async with http.post(webhook("on_cloud_event"), json=body, headers=headers) as response:
        assert (response.status, await response.json()) == (200, {"validationResponse": "secret"})


@pytest.mark.parametrize("body", [b"", b"no JSON", b'[{"data": "no JSON either"}]', b"[]"])
async def test_validation_without_a_code_is_refused(webhook, http, body) -> None:
    async with http.post(
        webhook("on_event"), data=body, headers={"aeg-event-type": "SubscriptionValidation"}
    ) as response:
        assert response.status == 400


async def test_end_of_a_subscription_is_accepted(webhook, http) -> None:
    async with http.post(webhook("on_event"), headers={"aeg-event-type": "Unsubscribe"}) as response:
        assert (response.status, await response.read()) == (202, b"")


async def test_h084_two_events_cause_two_invocations(host, webhook, http) -> None:
    async with http.post(webhook("ON_EVENT"), json=[_event("2"), _event("3")], headers=NOTIFICATION) as response:
        assert (response.status, await response.read()) == (202, b"")
    records = {record["id"]: record for record in host.records("on_event")}
    assert records["2"] == {"id": "2", "type": "Parcel.Shipped", "data": {"parcel": "2"}}
    assert "3" in records


async def test_h085_one_failing_event_is_a_server_error(host, webhook, http) -> None:
    events = [_event("4"), _event("5", subject="bad")]
    async with http.post(webhook("on_event"), json=events, headers=NOTIFICATION) as response:
        assert (response.status, await response.text()) == (500, "RuntimeError: this event cannot be handled")
    assert {"4", "5"} <= {record["id"] for record in host.records("on_event")}


async def test_h085_unknown_function_and_unknown_kind_of_event_are_refused(host, webhook, http) -> None:
    async with http.post(webhook("nobody"), json=[], headers=NOTIFICATION) as response:
        assert (response.status, await response.text()) == (404, "cannot find function: 'nobody'")
    for headers in ({}, {"aeg-event-type": "Gossip"}):
        async with http.post(webhook("on_event"), json=[_event("6")], headers=headers) as response:
            assert response.status == 400
    assert "6" not in {record["id"] for record in host.records("on_event")}


async def test_h086_cloud_event_arrives_and_its_handshake_is_answered(host, webhook, http) -> None:
    event = {"specversion": "1.0", "id": "c-1", "type": "shipped", "source": "/parcels", "data": {"parcel": 1}}
    headers = {"Content-Type": "application/cloudevents+json"}
    async with http.post(webhook("on_cloud_event"), json=event, headers=headers) as response:
        assert response.status == 202
    seen = {"id": "c-1", "type": "shipped", "source": "/parcels", "data": {"parcel": 1}, "class": "CloudEvent"}
    assert host.records("on_cloud_event") == [seen]
    async with http.options(webhook("on_event"), headers={"WebHook-Request-Origin": "eventgrid.azure.net"}) as response:
        assert response.status == 200
        assert response.headers["WebHook-Allowed-Origin"] == "eventgrid.azure.net"
        assert response.headers["WebHook-Allowed-Rate"] == "*"


async def test_batch_of_cloud_events_needs_no_header_of_event_grid(host, webhook, http) -> None:
    events = [{"specversion": "1.0", "id": f"b-{n}", "type": "t", "source": "/s", "data": n} for n in (1, 2)]
    headers = {"Content-Type": "application/cloudevents-batch+json"}
    async with http.post(webhook("on_cloud_event"), data=json.dumps(events), headers=headers) as response:
        assert response.status == 202
    assert {"b-1", "b-2"} <= {record["id"] for record in host.records("on_cloud_event")}


async def test_event_is_not_acknowledged_by_a_host_that_dies_on_it(hosts, topic, http) -> None:
    host = hosts.start("events", TOPIC_URL=topic.url, TOPIC_KEY="k", SLOW_SECONDS="60")
    url = f"{host.url}/runtime/webhooks/EventGrid?functionName=on_event"

    async def deliver() -> int:
        async with http.post(url, json=[_event("7", subject="slow")], headers=NOTIFICATION) as response:
            return response.status

    delivery = asyncio.create_task(deliver())
    assert [record["id"] for record in await host.recorded("on_event")] == ["7"]
    assert not delivery.done()
    host.kill()
    with pytest.raises(aiohttp.ClientError):
        await delivery


async def test_event_that_is_being_handled_when_the_host_stops_is_still_acknowledged(hosts, topic, http) -> None:
    host = hosts.start("events", TOPIC_URL=topic.url, TOPIC_KEY="k", SLOW_SECONDS="0.5")
    url = f"{host.url}/runtime/webhooks/EventGrid?functionName=on_event"

    async def deliver() -> int:
        async with http.post(url, json=[_event("8", subject="slow")], headers=NOTIFICATION) as response:
            return response.status

    delivery = asyncio.create_task(deliver())
    await host.recorded("on_event")
    assert await asyncio.gather(delivery, asyncio.to_thread(host.stop)) == [202, 0]


class TestOutput:
    async def test_event_is_published_with_the_key_of_the_topic(self, host, topic, http) -> None:
        topic.requests.clear()
        async with http.post(f"{host.url}/api/publish/one") as response:
            assert response.status == 200, host.log_text()
        [request] = topic.requests
        assert (request["key"], request["type"]) == ("the-key", "application/json")
        [event] = request["events"]
        assert event["data"] == {"number": 1}
        assert event["eventTime"] == "2026-01-01T00:00:00+00:00"

    async def test_list_is_published_at_once_and_a_cloud_event_as_such(self, host, topic, http) -> None:
        topic.requests.clear()
        for what in ("two", "text"):
            async with http.post(f"{host.url}/api/publish/{what}") as response:
                assert response.status == 200, host.log_text()
        assert [[event["id"] for event in request["events"]] for request in topic.requests] == [["1", "2"], ["c"]]
        assert topic.requests[1]["type"] == "application/cloudevents-batch+json"

    async def test_topic_that_refuses_fails_the_function(self, host, topic, http) -> None:
        topic.status = 401
        async with http.post(f"{host.url}/api/publish/one") as response:
            assert response.status == 500
        topic.status = 200
        assert "RuntimeError: publish: the topic" in host.log_text()

    async def test_topic_without_an_address_excludes_the_function(self, hosts, http) -> None:
        host = hosts.start("events")
        async with http.get(f"{host.url}/admin/functions/publish/status") as response:
            [error] = (await response.json())["errors"]
        assert error == "The Event Grid output needs the URL of a topic in the setting 'TOPIC_URL'."
