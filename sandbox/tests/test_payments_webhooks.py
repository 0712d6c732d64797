"""Webhooks: signed so that the real SDK accepts them, sent again when they fail, in trouble when asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import TYPE_CHECKING, Any

import pytest
import stripe

from sandbox.payments.webhooks import signature

if TYPE_CHECKING:
    from sandbox.tests.conftest import Simulator

SECRET = "whsec_sandbox"
AUTHORISED = ["charge.succeeded", "payment_intent.created", "payment_intent.amount_capturable_updated"]


class Receiver:
    """A merchant's endpoint: answers with the next of `statuses`, then with 200, and remembers what came."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.received: Queue[stripe.Event] = Queue()
        receiver = self

        class Endpoint(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                event = stripe.Webhook.construct_event(body, self.headers["Stripe-Signature"], SECRET)
                receiver.received.put(event)
                self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Keep the tests' output clean."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def next_types(self, count: int) -> list[str]:
        """The types of the next so many events, in the order in which they came."""
        return [str(self.received.get(timeout=5).type) for _ in range(count)]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


def authorise(client: stripe.StripeClient) -> stripe.PaymentIntent:
    return client.v1.payment_intents.create(
        {
            "amount": 1250,
            "currency": "eur",
            "confirm": True,
            "capture_method": "manual",
            "payment_method": "pm_card_visa",
        },
        {"idempotency_key": "k-1"},
    )


def test_event_arrives_signed_and_tells_what_caused_it(
    client: stripe.StripeClient, simulator: Simulator, receiver: Receiver
) -> None:
    simulator.post("/_sandbox/webhook", {"url": receiver.url})
    intent = authorise(client)
    events = [receiver.received.get(timeout=5) for _ in AUTHORISED]
    assert [event.type for event in events] == AUTHORISED
    assert events[1].data.object["id"] == intent.id
    assert events[1].request is not None
    assert events[1].request.idempotency_key == "k-1"
    assert client.v1.events.retrieve(events[1].id).to_dict() == events[1].to_dict()


def test_forged_event_does_not_pass_the_sdk() -> None:
    header = signature('{"object": "event"}', "whsec_other", at=1)
    with pytest.raises(stripe.SignatureVerificationError, match="No signatures found matching"):
        stripe.Webhook.construct_event('{"object": "event"}', header, SECRET)


def test_refused_event_is_sent_again(client: stripe.StripeClient, simulator: Simulator, receiver: Receiver) -> None:
    receiver.statuses = [500]
    simulator.post("/_sandbox/webhook", {"url": receiver.url})
    authorise(client)
    assert receiver.next_types(3) == AUTHORISED
    simulator.advance(seconds=1)
    assert receiver.next_types(1) == AUTHORISED[:1]


def test_unreachable_target_loses_nothing(
    client: stripe.StripeClient, simulator: Simulator, receiver: Receiver
) -> None:
    simulator.post("/_sandbox/webhook", {"url": "http://127.0.0.1:9/"})
    authorise(client)
    simulator.post("/_sandbox/webhook", {"url": receiver.url})
    simulator.advance(seconds=3600)
    assert sorted(receiver.next_types(3)) == sorted(AUTHORISED)


def test_target_can_be_taken_away(client: stripe.StripeClient, simulator: Simulator, receiver: Receiver) -> None:
    simulator.post("/_sandbox/webhook", {"url": receiver.url})
    assert simulator.request("DELETE", "/_sandbox/webhook")[0] == 204
    authorise(client)
    assert simulator.get("/_sandbox/webhook") == {"target": None, "deliveries": []}
    sent = simulator.post("/_sandbox/webhook/deliver", {"events": [client.v1.events.list().data[0].id]})
    assert [delivery["status"] for delivery in sent["deliveries"]] == [None]


def test_unknown_event_cannot_be_delivered(client: stripe.StripeClient, simulator: Simulator) -> None:
    status, body = simulator.request("POST", "/_sandbox/webhook/deliver", {"events": ["evt_nope"]})
    assert (status, body) == (404, {"error": "no such event: evt_nope"})
    with pytest.raises(stripe.InvalidRequestError, match="No such event"):
        client.v1.events.retrieve("evt_nope")


def test_copies_and_reversal_are_had_for_the_asking(
    client: stripe.StripeClient, simulator: Simulator, receiver: Receiver
) -> None:
    simulator.post("/_sandbox/webhook", {"url": receiver.url, "copies": 2, "newest_first": True})
    authorise(client)
    assert receiver.next_types(6) == [type_ for type_ in AUTHORISED[::-1] for _ in range(2)]


def test_paused_target_gets_what_is_asked_for_in_that_order(
    client: stripe.StripeClient, simulator: Simulator, receiver: Receiver
) -> None:
    simulator.post("/_sandbox/webhook", {"url": receiver.url, "paused": True})
    authorise(client)
    newest, _, oldest = [event.id for event in client.v1.events.list().data]
    sent = simulator.post("/_sandbox/webhook/deliver", {"events": [newest, oldest, newest]})
    assert sent["deliveries"] == [{"event": event, "status": 200} for event in (newest, oldest, newest)]
    assert receiver.next_types(3) == [AUTHORISED[2], AUTHORISED[0], AUTHORISED[2]]
    assert receiver.received.empty()


def test_without_a_target_events_are_only_kept(client: stripe.StripeClient, simulator: Simulator) -> None:
    authorise(client)
    assert simulator.event_types() == AUTHORISED
    assert simulator.get("/_sandbox/webhook") == {"target": None, "deliveries": []}


def test_target_must_be_a_url(simulator: Simulator) -> None:
    status, body = simulator.request("POST", "/_sandbox/webhook", {"url": "ftp://nowhere"})
    assert status == 400
    assert body["error"].startswith("url: ")
