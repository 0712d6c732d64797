"""PaymentIntents through the real SDK: what a merchant can do, and in which words a mistake is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests
import stripe

from sandbox.payments.cards import CARDS

if TYPE_CHECKING:
    from sandbox.tests.conftest import Simulator

DECLINING = {name: card.decline for name, card in CARDS.items() if card.decline}


def an_intent(client: stripe.StripeClient, **changes: Any) -> stripe.PaymentIntent:
    """A confirmed authorisation of 12.50 EUR for order o-1, unless told otherwise."""
    parameters: Any = {
        "amount": 1250,
        "currency": "eur",
        "confirm": True,
        "capture_method": "manual",
        "payment_method": "pm_card_visa",
        "metadata": {"order_id": "o-1"},
        **changes,
    }
    return client.v1.payment_intents.create(parameters)


def test_manual_intent_is_authorised_then_captured(client: stripe.StripeClient, simulator: Simulator) -> None:
    intent = an_intent(client, description="Order o-1")
    assert (intent.status, intent.amount_capturable, intent.amount_received) == ("requires_capture", 1250, 0)
    captured = client.v1.payment_intents.capture(intent.id)
    assert (captured.status, captured.amount_capturable, captured.amount_received) == ("succeeded", 0, 1250)
    assert captured.description == "Order o-1"
    assert simulator.ledger("o-1") == {
        "authorised": 1250, "captured": 1250, "refunded": 0, "voided": 0, "intents": 1, "currency": "eur",
    }  # fmt: skip


def test_automatic_intent_is_captured_at_once(client: stripe.StripeClient) -> None:
    intent = an_intent(client, capture_method="automatic")
    assert (intent.status, intent.amount_received) == ("succeeded", 1250)


async def test_async_client_creates_and_captures(async_client: stripe.StripeClient) -> None:
    created = await async_client.v1.payment_intents.create_async(
        {"amount": 700, "currency": "usd", "confirm": True, "capture_method": "manual", "payment_method": "pm_card_us"}
    )
    captured = await async_client.v1.payment_intents.capture_async(created.id, {"amount_to_capture": 200})
    assert (captured.status, captured.amount_received) == ("succeeded", 200)


def test_partial_capture_releases_the_rest(client: stripe.StripeClient, simulator: Simulator) -> None:
    intent = an_intent(client)
    captured = client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 1000})
    assert (captured.status, captured.amount_received, captured.amount_capturable) == ("succeeded", 1000, 0)
    entry = simulator.ledger("o-1")
    assert (entry["captured"], entry["voided"]) == (1000, 250)


def test_card_may_refuse_to_be_captured_in_parts(client: stripe.StripeClient) -> None:
    wish = {"card": {"request_multicapture": "if_available"}}
    intent = an_intent(client, payment_method="pm_card_singleCapture", payment_method_options=wish)
    with pytest.raises(stripe.InvalidRequestError, match="multicapture is not available"):
        client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 100, "final_capture": False})


def test_multicapture_takes_the_money_parcel_by_parcel(client: stripe.StripeClient) -> None:
    intent = an_intent(client, payment_method_options={"card": {"request_multicapture": "if_available"}})
    capture = client.v1.payment_intents.capture
    first = capture(intent.id, {"amount_to_capture": 500, "final_capture": False})
    assert (first.status, first.amount_received, first.amount_capturable) == ("requires_capture", 500, 750)
    last = capture(intent.id, {"amount_to_capture": 600})
    assert (last.status, last.amount_received, last.amount_capturable) == ("succeeded", 1100, 0)


def test_several_captures_must_be_agreed_beforehand(client: stripe.StripeClient) -> None:
    intent = an_intent(client)
    with pytest.raises(stripe.InvalidRequestError, match="multicapture") as refusal:
        client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 500, "final_capture": False})
    assert refusal.value.param == "final_capture"
    assert client.v1.payment_intents.retrieve(intent.id).amount_capturable == 1250


def test_final_capture_of_nothing_releases_the_rest(client: stripe.StripeClient) -> None:
    intent = an_intent(client, payment_method_options={"card": {"request_multicapture": "if_available"}})
    capture = client.v1.payment_intents.capture
    with pytest.raises(stripe.InvalidRequestError, match="greater than or equal to 1"):
        capture(intent.id, {"amount_to_capture": 0})
    capture(intent.id, {"amount_to_capture": 500, "final_capture": False})
    released = capture(intent.id, {"amount_to_capture": 0})
    assert (released.status, released.amount_received, released.amount_capturable) == ("succeeded", 500, 0)


def test_fifty_captures_are_the_most(client: stripe.StripeClient) -> None:
    intent = an_intent(client, payment_method_options={"card": {"request_multicapture": "if_available"}})
    for _ in range(50):
        client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 1, "final_capture": False})
    with pytest.raises(stripe.InvalidRequestError, match="at most 50 times"):
        client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 1, "final_capture": False})


def test_charge_tells_the_state_of_the_money(client: stripe.StripeClient) -> None:
    intent = an_intent(client)
    assert isinstance(intent.latest_charge, str)
    held = client.v1.charges.retrieve(intent.latest_charge)
    assert (held.captured, held.paid, held.amount_captured) == (False, True, 0)
    client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 1000})
    taken = client.v1.charges.retrieve(intent.latest_charge)
    assert (taken.captured, taken.amount_captured, taken.amount_refunded) == (True, 1000, 250)
    with pytest.raises(stripe.InvalidRequestError, match="No such charge"):
        client.v1.charges.retrieve("ch_nope")


def test_capture_above_the_authorisation_is_refused(client: stripe.StripeClient) -> None:
    intent = an_intent(client)
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 1251})
    assert (refusal.value.code, refusal.value.param) == ("amount_too_large", "amount_to_capture")


def test_second_capture_is_refused_with_the_intent_inside(client: stripe.StripeClient) -> None:
    intent = an_intent(client)
    client.v1.payment_intents.capture(intent.id)
    with pytest.raises(stripe.InvalidRequestError, match="already been captured") as refusal:
        client.v1.payment_intents.capture(intent.id)
    assert refusal.value.code == "payment_intent_unexpected_state"
    assert refusal.value.error is not None
    assert refusal.value.error.payment_intent is not None
    assert refusal.value.error.payment_intent.status == "succeeded"


def test_cancel_releases_the_authorisation(client: stripe.StripeClient, simulator: Simulator) -> None:
    intent = an_intent(client)
    canceled = client.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "requested_by_customer"})
    assert (canceled.status, canceled.amount_capturable) == ("canceled", 0)
    assert canceled.cancellation_reason == "requested_by_customer"
    entry = simulator.ledger("o-1")
    assert (entry["authorised"], entry["captured"], entry["voided"]) == (1250, 0, 1250)


def test_captured_intent_cannot_be_canceled(client: stripe.StripeClient) -> None:
    intent = an_intent(client, capture_method="automatic")
    with pytest.raises(stripe.InvalidRequestError, match="status of succeeded"):
        client.v1.payment_intents.cancel(intent.id)


def test_authorisation_expires_after_seven_days(client: stripe.StripeClient, simulator: Simulator) -> None:
    intent = an_intent(client)
    simulator.advance(seconds=7 * 86_400 - 60)
    assert client.v1.payment_intents.retrieve(intent.id).status == "requires_capture"
    simulator.advance(seconds=60)
    expired = client.v1.payment_intents.retrieve(intent.id)
    assert (expired.status, expired.cancellation_reason) == ("canceled", "expired")
    assert simulator.ledger("o-1")["voided"] == 1250
    assert simulator.event_types()[-2:] == ["charge.expired", "payment_intent.canceled"]


def test_intent_can_be_confirmed_later(client: stripe.StripeClient) -> None:
    intent = an_intent(client, confirm=False, payment_method="")
    assert intent.status == "requires_payment_method"
    with pytest.raises(stripe.InvalidRequestError, match="missing a payment method"):
        client.v1.payment_intents.confirm(intent.id)
    updated = client.v1.payment_intents.update(intent.id, {"amount": 2000, "payment_method": "pm_card_amex"})
    assert updated.status == "requires_confirmation"
    assert client.v1.payment_intents.confirm(intent.id).amount_capturable == 2000


@pytest.mark.parametrize("payment_method", sorted(DECLINING))
def test_declining_card_raises_its_decline_code(client: stripe.StripeClient, payment_method: str) -> None:
    with pytest.raises(stripe.CardError) as declined:
        an_intent(client, payment_method=payment_method)
    error = declined.value.error
    expected = DECLINING[payment_method]
    assert declined.value.http_status == 402
    assert error is not None
    assert (error.code, error.decline_code, error.message) == (
        expected.code, expected.decline_code, expected.message,
    )  # fmt: skip
    assert error.payment_intent is not None
    assert error.payment_intent.status == "requires_payment_method"
    kept = client.v1.payment_intents.retrieve(error.payment_intent.id, {"expand": ["latest_charge"]})
    assert kept.last_payment_error is not None
    assert kept.last_payment_error.decline_code == expected.decline_code
    assert isinstance(kept.latest_charge, stripe.Charge)
    assert kept.latest_charge.status == "failed"


def test_declined_intent_accepts_another_card(client: stripe.StripeClient, simulator: Simulator) -> None:
    with pytest.raises(stripe.CardError) as declined:
        an_intent(client, payment_method="pm_card_chargeDeclined")
    assert declined.value.error is not None
    assert declined.value.error.payment_intent is not None
    assert simulator.ledger("o-1")["authorised"] == 0
    confirmed = client.v1.payment_intents.confirm(
        declined.value.error.payment_intent.id, {"payment_method": "pm_card_visa"}
    )
    assert (confirmed.status, confirmed.last_payment_error) == ("requires_capture", None)
    assert simulator.ledger("o-1")["authorised"] == 1250


def test_card_that_needs_its_owner_declines_off_session(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.CardError) as declined:
        an_intent(client, payment_method="pm_card_authenticationRequired", off_session=True)
    assert declined.value.code == "authentication_required"


@pytest.mark.parametrize(("passed", "status"), [("true", "requires_capture"), ("false", "requires_payment_method")])
def test_card_that_needs_its_owner_waits_for_the_answer(
    client: stripe.StripeClient, simulator: Simulator, passed: str, status: str
) -> None:
    intent = an_intent(client, payment_method="pm_card_authenticationRequired")
    assert intent.status == "requires_action"
    assert intent.next_action is not None
    client.raw_request("post", f"/_sandbox/payment_intents/{intent.id}/authenticate", passed=passed)
    assert client.v1.payment_intents.retrieve(intent.id).status == status


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"amount": None}, "parameter_missing", "amount"),
        ({"currency": None}, "parameter_missing", "currency"),
        ({"amount": "12.5"}, "parameter_invalid_integer", "amount"),
        ({"amount": 0}, "parameter_invalid_integer", "amount"),
        ({"amount": -5}, "parameter_invalid_integer", "amount"),
        ({"amount": 49}, "amount_too_small", "amount"),
        ({"amount": 100_000_000}, "amount_too_large", "amount"),
        ({"currency": "zzz"}, None, "currency"),
        ({"capture_method": "later"}, None, "capture_method"),
        ({"confirm": "perhaps"}, None, "confirm"),
        ({"payment_method": "pm_card_unknown"}, "resource_missing", "payment_method"),
        ({"payment_method_types": ["sepa_debit"]}, None, "payment_method_types"),
        ({"colour": "red"}, "parameter_unknown", "colour"),
        ({"metadata": {"x" * 41: "long key"}}, None, "metadata"),
        ({"metadata": {"key": "x" * 501}}, None, "metadata"),
        ({"metadata": {f"key{n}": "x" for n in range(51)}}, None, "metadata"),
    ],
)
def test_invalid_parameter_is_refused_by_name(
    client: stripe.StripeClient, simulator: Simulator, changes: dict[str, Any], code: str | None, param: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        an_intent(client, **changes)
    assert (refusal.value.http_status, refusal.value.code, refusal.value.param) == (400, code, param)
    assert simulator.get("/_sandbox/ledger")["orders"] == {}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"amount": None}, "Missing required param: amount."),
        ({"amount": "abc"}, "Invalid integer: abc"),
        ({"amount": 49}, "Amount must be at least €0.50"),
        ({"amount": 49, "currency": "JPY"}, "Amount must be at least ¥50"),
        ({"colour": "red"}, "Received unknown parameter: colour"),
    ],
)
def test_refusals_use_the_words_of_stripe(client: stripe.StripeClient, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        an_intent(client, **changes)
    assert refusal.value.user_message == message


def test_unknown_intent_is_a_404(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="No such payment_intent: 'pi_nope'") as refusal:
        client.v1.payment_intents.retrieve("pi_nope")
    assert (refusal.value.http_status, refusal.value.code) == (404, "resource_missing")


def test_unknown_path_is_a_404(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL") as refusal:
        client.v1.customers.create({})
    assert refusal.value.http_status == 404


def test_every_answer_carries_a_request_id(client: stripe.StripeClient) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.payment_intents.retrieve("pi_nope")
    assert refusal.value.request_id is not None
    assert refusal.value.request_id.startswith("req_")


def test_live_keys_are_kept_out(simulator: Simulator) -> None:
    with pytest.raises(stripe.AuthenticationError, match=r"Invalid API Key provided: sk_live_\*+cret"):
        simulator.client(key="sk_live_secret").v1.payment_intents.list()


def test_request_without_a_key_is_told_how_to_send_one(simulator: Simulator) -> None:
    status, body = simulator.request("GET", "/v1/payment_intents")
    assert status == 401
    assert body["error"]["message"].startswith("You did not provide an API key.")


@pytest.mark.parametrize(("authorization", "status"), [("Basic c2tfdGVzdF8xOg==", 200), ("Basic =", 401)])
def test_key_may_come_as_the_user_of_basic_authentication(
    simulator: Simulator, authorization: str, status: int
) -> None:
    headers = {"Authorization": authorization}
    assert requests.get(f"{simulator.url}/v1/payment_intents", headers=headers, timeout=5).status_code == status


def test_list_is_narrowed_by_customer(client: stripe.StripeClient) -> None:
    made = an_intent(client, customer="cus_1")
    an_intent(client, customer="cus_2")
    assert [intent.id for intent in client.v1.payment_intents.list({"customer": "cus_1"}).data] == [made.id]


def test_list_pages_through_all_intents(client: stripe.StripeClient) -> None:
    made = [an_intent(client, metadata={"n": str(n)}).id for n in range(5)]
    listed = [intent.id for intent in client.v1.payment_intents.list({"limit": 2}).auto_paging_iter()]
    assert listed == made[::-1]


def test_metadata_is_merged_and_can_be_removed(client: stripe.StripeClient) -> None:
    intent = an_intent(client, metadata={"order_id": "o-1", "note": "x"})
    updated = client.v1.payment_intents.update(intent.id, {"metadata": {"note": "", "tenant": "acme"}})
    assert updated.metadata.to_dict() == {"order_id": "o-1", "tenant": "acme"}
    assert client.v1.payment_intents.update(intent.id, {"metadata": ""}).metadata.to_dict() == {}


@pytest.mark.parametrize(("amount", "currency"), [(550, "isk"), (550, "ugx"), (5124, "kwd")])
def test_amount_must_be_one_that_cards_are_charged_with(
    client: stripe.StripeClient, amount: int, currency: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError, match="Invalid amount"):
        an_intent(client, amount=amount, currency=currency)
    assert an_intent(client, amount=amount // 100 * 100, currency=currency).status == "requires_capture"
