"""Refunds through the real SDK: bounded by what was captured, also when the bank changes its mind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import stripe

if TYPE_CHECKING:
    from sandbox.tests.conftest import Simulator


def a_payment(client: stripe.StripeClient, **changes: Any) -> stripe.PaymentIntent:
    """10.00 EUR taken for order o-1, unless told otherwise."""
    parameters: Any = {
        "amount": 1000,
        "currency": "eur",
        "confirm": True,
        "payment_method": "pm_card_visa",
        "metadata": {"order_id": "o-1"},
        **changes,
    }
    return client.v1.payment_intents.create(parameters)


def test_refund_without_amount_gives_everything_back(client: stripe.StripeClient, simulator: Simulator) -> None:
    payment = a_payment(client)
    refund = client.v1.refunds.create({"payment_intent": payment.id, "reason": "requested_by_customer"})
    assert (refund.status, refund.amount, refund.payment_intent) == ("succeeded", 1000, payment.id)
    assert simulator.ledger("o-1")["refunded"] == 1000
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.refunds.create({"payment_intent": payment.id})
    assert refusal.value.code == "charge_already_refunded"


def test_refunds_never_exceed_what_was_captured(client: stripe.StripeClient, simulator: Simulator) -> None:
    payment = a_payment(client, capture_method="manual")
    client.v1.payment_intents.capture(payment.id, {"amount_to_capture": 800})
    with pytest.raises(stripe.InvalidRequestError, match="greater than charge amount"):
        client.v1.refunds.create({"payment_intent": payment.id, "amount": 801})
    client.v1.refunds.create({"payment_intent": payment.id, "amount": 500})
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount on charge") as refusal:
        client.v1.refunds.create({"payment_intent": payment.id, "amount": 301})
    assert refusal.value.param == "amount"
    assert isinstance(payment.latest_charge, str)
    client.v1.refunds.create({"charge": payment.latest_charge, "amount": 300})
    assert simulator.ledger("o-1")["refunded"] == 800


def test_nothing_captured_nothing_to_refund(client: stripe.StripeClient) -> None:
    payment = a_payment(client, capture_method="manual")
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge to refund"):
        client.v1.refunds.create({"payment_intent": payment.id})


def test_refund_must_name_what_it_refunds(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="payment_intent or charge") as missing:
        client.v1.refunds.create({"amount": 5})
    assert missing.value.code == "parameter_missing"
    with pytest.raises(stripe.InvalidRequestError, match="No such charge: 'ch_nope'"):
        client.v1.refunds.create({"charge": "ch_nope"})


def test_refund_that_fails_later_can_be_made_again(client: stripe.StripeClient, simulator: Simulator) -> None:
    payment = a_payment(client, payment_method="pm_card_refundFail")
    refund = client.v1.refunds.create({"payment_intent": payment.id, "amount": 400})
    assert refund.status == "succeeded"
    simulator.advance(seconds=5)
    failed = client.v1.refunds.retrieve(refund.id)
    assert (failed.status, failed.failure_reason) == ("failed", "lost_or_stolen_card")
    assert simulator.ledger("o-1")["refunded"] == 0
    assert simulator.event_types()[-2:] == ["refund.updated", "refund.failed"]
    assert client.v1.refunds.create({"payment_intent": payment.id}).amount == 1000


def test_pending_refund_counts_at_once_and_succeeds_later(client: stripe.StripeClient, simulator: Simulator) -> None:
    payment = a_payment(client, payment_method="pm_card_pendingRefund")
    refund = client.v1.refunds.create({"payment_intent": payment.id})
    assert (refund.status, simulator.ledger("o-1")["refunded"]) == ("pending", 1000)
    simulator.advance(seconds=5)
    assert client.v1.refunds.retrieve(refund.id).status == "succeeded"
    assert simulator.ledger("o-1")["refunded"] == 1000


def test_pending_refund_can_be_canceled_once(client: stripe.StripeClient, simulator: Simulator) -> None:
    payment = a_payment(client, payment_method="pm_card_pendingRefund")
    refund = client.v1.refunds.create({"payment_intent": payment.id})
    assert client.v1.refunds.cancel(refund.id).status == "canceled"
    assert simulator.ledger("o-1")["refunded"] == 0
    with pytest.raises(stripe.InvalidRequestError, match="cannot become canceled"):
        client.v1.refunds.cancel(refund.id)


def test_any_refund_can_be_made_to_fail_on_demand(client: stripe.StripeClient, simulator: Simulator) -> None:
    refund = client.v1.refunds.create({"payment_intent": a_payment(client).id})
    client.raw_request("post", f"/_sandbox/refunds/{refund.id}/settle", status="failed")
    assert client.v1.refunds.retrieve(refund.id).status == "failed"
    assert simulator.ledger("o-1")["refunded"] == 0


def test_refund_keeps_its_metadata_and_its_changes(client: stripe.StripeClient) -> None:
    refund = client.v1.refunds.create({"payment_intent": a_payment(client).id, "metadata": {"line": "1"}})
    updated = client.v1.refunds.update(refund.id, {"metadata": {"note": "x"}})
    assert updated.metadata is not None
    assert updated.metadata.to_dict() == {"line": "1", "note": "x"}
    with pytest.raises(stripe.InvalidRequestError, match="No such refund"):
        client.v1.refunds.retrieve("re_nope")


def test_refunds_are_listed_by_payment(client: stripe.StripeClient) -> None:
    first, second = a_payment(client), a_payment(client)
    made = [client.v1.refunds.create({"payment_intent": first.id, "amount": n}).id for n in (1, 2)]
    client.v1.refunds.create({"payment_intent": second.id})
    listed = client.v1.refunds.list({"payment_intent": first.id}).data
    assert [refund.id for refund in listed] == made[::-1]


def test_repeated_refund_with_one_key_refunds_once(client: stripe.StripeClient, simulator: Simulator) -> None:
    payment = a_payment(client)
    refunds = [
        client.v1.refunds.create({"payment_intent": payment.id, "amount": 600}, {"idempotency_key": "r-1"})
        for _ in range(3)
    ]
    assert len({refund.id for refund in refunds}) == 1
    assert simulator.ledger("o-1")["refunded"] == 600


def test_dispute_tells_of_what_was_captured_and_of_nothing_else(client: stripe.StripeClient) -> None:
    payment = a_payment(client)
    path = f"/_sandbox/payment_intents/{payment.id}/dispute"
    for status in ("needs_response", "lost"):
        client.raw_request("post", path, status=status)

    closed, created = client.v1.events.list({"type": "charge.dispute.*"}).data
    assert [event.type for event in (created, closed)] == ["charge.dispute.created", "charge.dispute.closed"]
    dispute = created.data.object
    assert (dispute["amount"], dispute["payment_intent"]) == (payment.amount, payment.id)
    assert dispute["metadata"].to_dict() == {}
    uncaptured = client.v1.payment_intents.create({"amount": 100, "currency": "eur"})
    with pytest.raises(stripe.InvalidRequestError, match="Nothing was captured"):
        client.raw_request("post", f"/_sandbox/payment_intents/{uncaptured.id}/dispute")
