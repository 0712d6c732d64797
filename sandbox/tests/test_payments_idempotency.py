"""One key, one effect, one answer: through the real SDK, also when the network lies about what happened."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import stripe

if TYPE_CHECKING:
    from sandbox.tests.conftest import Simulator

ORDER: Any = {
    "amount": 1250,
    "currency": "eur",
    "confirm": True,
    "capture_method": "manual",
    "payment_method": "pm_card_visa",
    "metadata": {"order_id": "o-1"},
}
KEYED: Any = {"idempotency_key": "fulfil:acme:o-1:authorise_payment"}


def an_order(**changes: Any) -> Any:
    """The parameters of an authorisation of 12.50 EUR for order o-1."""
    return {**ORDER, **changes}


def headers_of(answer: Any) -> dict[str, str]:
    return dict(answer.last_response.headers)


def test_repetition_replays_the_first_answer(client: stripe.StripeClient) -> None:
    first = client.v1.payment_intents.create(ORDER, KEYED)
    again = client.v1.payment_intents.create(ORDER, KEYED)
    assert again.to_dict() == first.to_dict()
    assert "Idempotent-Replayed" not in headers_of(first)
    assert headers_of(again)["Idempotent-Replayed"] == "true"
    assert headers_of(again)["Original-Request"] == headers_of(first)["Request-Id"]


async def test_fifty_parallel_creates_with_one_key_make_one_intent(
    async_client: stripe.StripeClient, simulator: Simulator
) -> None:
    create = async_client.v1.payment_intents.create_async
    intents = await asyncio.gather(*(create(ORDER, KEYED) for _ in range(50)))
    assert len({intent.id for intent in intents}) == 1
    assert simulator.ledger("o-1")["intents"] == 1


async def test_request_in_progress_makes_the_others_conflict(
    async_client: stripe.StripeClient, simulator: Simulator
) -> None:
    simulator.fault("create_payment_intent", action={"delay_ms": 300})
    create = async_client.v1.payment_intents.create_async
    answers = await asyncio.gather(*(create(ORDER, KEYED) for _ in range(50)), return_exceptions=True)
    done = [answer for answer in answers if isinstance(answer, stripe.PaymentIntent)]
    conflicts = [answer for answer in answers if isinstance(answer, stripe.APIError)]
    assert len({intent.id for intent in done}) == 1
    assert {conflict.http_status for conflict in conflicts} == {409}
    assert len(done) + len(conflicts) == 50
    assert simulator.ledger("o-1")["intents"] == 1


async def test_sdk_retries_turn_conflicts_into_replays(simulator: Simulator) -> None:
    transport = stripe.AIOHTTPClient()
    patient = stripe.StripeClient(
        "sk_test_sandbox", base_addresses={"api": simulator.url}, http_client=transport, max_network_retries=2
    )
    simulator.fault("create_payment_intent", action={"delay_ms": 200})
    create = patient.v1.payment_intents.create_async
    first, second = await asyncio.gather(create(ORDER, KEYED), create(ORDER, KEYED))
    await transport.close_async()  # type: ignore[no-untyped-call]  # the SDK leaves it untyped
    assert first.id == second.id


def test_other_parameters_under_the_same_key_are_refused(client: stripe.StripeClient, simulator: Simulator) -> None:
    client.v1.payment_intents.create(ORDER, KEYED)
    with pytest.raises(stripe.IdempotencyError, match="same parameters") as refusal:
        client.v1.payment_intents.create(an_order(amount=1300), KEYED)
    assert refusal.value.http_status == 400
    assert simulator.ledger("o-1")["authorised"] == 1250


def test_key_belongs_to_its_endpoint(client: stripe.StripeClient) -> None:
    intent = client.v1.payment_intents.create(ORDER, KEYED)
    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        client.v1.payment_intents.capture(intent.id, {}, KEYED)


def test_decline_is_replayed(client: stripe.StripeClient, simulator: Simulator) -> None:
    declining = an_order(payment_method="pm_card_chargeDeclined")
    with pytest.raises(stripe.CardError):
        client.v1.payment_intents.create(declining, KEYED)
    with pytest.raises(stripe.CardError) as declined:
        client.v1.payment_intents.create(declining, KEYED)
    assert declined.value.headers is not None
    assert declined.value.headers["Idempotent-Replayed"] == "true"
    assert simulator.ledger("o-1")["intents"] == 1


def test_failed_validation_leaves_the_key_free(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.create(an_order(amount=1), KEYED)
    assert client.v1.payment_intents.create(ORDER, KEYED).status == "requires_capture"


def test_refusal_by_state_is_kept(client: stripe.StripeClient) -> None:
    intent = client.v1.payment_intents.create(an_order(capture_method="automatic"))
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.payment_intents.cancel(intent.id, {}, KEYED)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.payment_intents.cancel(intent.id, {}, KEYED)
    assert refusal.value.headers is not None
    assert refusal.value.headers["Idempotent-Replayed"] == "true"


def test_server_error_is_kept_and_changes_nothing(client: stripe.StripeClient, simulator: Simulator) -> None:
    simulator.fault("create_payment_intent", action={"status": 500})
    for _ in range(2):
        with pytest.raises(stripe.APIError) as failure:
            client.v1.payment_intents.create(ORDER, KEYED)
        assert failure.value.http_status == 500
    assert simulator.get("/_sandbox/ledger") == {"orders": {}, "requests": 2}


def test_key_longer_than_allowed_is_refused(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="at most 255 characters"):
        client.v1.payment_intents.create(ORDER, {"idempotency_key": "x" * 256})


@pytest.mark.parametrize(("status", "error"), [(429, stripe.RateLimitError), (503, stripe.APIError)])
def test_request_turned_away_leaves_the_key_free(
    client: stripe.StripeClient, simulator: Simulator, status: int, error: type[Exception]
) -> None:
    simulator.fault("create_payment_intent", action={"status": status})
    with pytest.raises(error):
        client.v1.payment_intents.create(ORDER, KEYED)
    assert client.v1.payment_intents.create(ORDER, KEYED).status == "requires_capture"


def test_connection_lost_after_commit_then_same_key_gives_the_same_intent(
    client: stripe.StripeClient, simulator: Simulator
) -> None:
    simulator.fault("create_payment_intent", action={"drop": "after"})
    with pytest.raises(stripe.APIConnectionError):
        client.v1.payment_intents.create(ORDER, KEYED)
    made = client.v1.payment_intents.search({"query": "metadata['order_id']:'o-1'"}).data
    again = client.v1.payment_intents.create(ORDER, KEYED)
    assert [intent.id for intent in made] == [again.id]
    assert headers_of(again)["Idempotent-Replayed"] == "true"
    assert simulator.ledger("o-1")["authorised"] == 1250


def test_connection_lost_before_anything_happened_leaves_no_trace(
    client: stripe.StripeClient, simulator: Simulator
) -> None:
    simulator.fault("create_payment_intent", action={"drop": "before"})
    with pytest.raises(stripe.APIConnectionError):
        client.v1.payment_intents.create(ORDER, KEYED)
    assert simulator.get("/_sandbox/ledger")["orders"] == {}
    assert "Idempotent-Replayed" not in headers_of(client.v1.payment_intents.create(ORDER, KEYED))


def test_sdk_retries_survive_a_lost_connection_with_one_charge(simulator: Simulator) -> None:
    simulator.fault("create_payment_intent", action={"drop": "after"})
    intent = simulator.client(retries=2).v1.payment_intents.create(ORDER)
    assert headers_of(intent)["Idempotent-Replayed"] == "true"
    assert simulator.ledger("o-1")["intents"] == 1


def test_key_is_forgotten_after_a_day(client: stripe.StripeClient, simulator: Simulator) -> None:
    first = client.v1.payment_intents.create(ORDER, KEYED)
    simulator.advance(seconds=86_401)
    assert client.v1.payment_intents.create(ORDER, KEYED).id != first.id
