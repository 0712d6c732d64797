"""Event Grid trigger: what a topic sends to the webhook of a function app."""

from __future__ import annotations

from typing import Any

import pytest

NOTIFICATION = {"aeg-event-type": "Notification"}


@pytest.fixture(scope="module")
def host(module_hosts: Any) -> Any:
    return module_hosts.start("events")


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


async def test_h085_unknown_function_and_unknown_kind_of_event_are_refused(webhook, http) -> None:
    async with http.post(webhook("nobody"), json=[], headers=NOTIFICATION) as response:
        assert (response.status, await response.text()) == (404, "cannot find function: 'nobody'")
    async with http.post(webhook("on_event"), json=[]) as response:
        assert response.status == 400


async def test_h086_cloud_event_arrives_and_its_handshake_is_answered(host, webhook, http) -> None:
    event = {"specversion": "1.0", "id": "c-1", "type": "shipped", "source": "/parcels", "data": {}}
    headers = {"Content-Type": "application/cloudevents+json"}
    async with http.post(webhook("on_cloud_event"), json=event, headers=headers) as response:
        assert response.status == 202
    assert host.records("on_cloud_event") == [{"id": "c-1", "type": "shipped", "source": "/parcels"}]
    async with http.options(webhook("on_event"), headers={"WebHook-Request-Origin": "eventgrid.azure.net"}) as response:
        assert response.status == 200
        assert response.headers["WebHook-Allowed-Origin"] == "eventgrid.azure.net"
        assert response.headers["WebHook-Allowed-Rate"] == "*"
