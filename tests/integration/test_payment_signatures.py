"""Who may tell of payments: whoever signs with the secret of today, about things as they are."""

from __future__ import annotations

import json
import time

import pytest

from adapters import clients, payment_events, secrets
from domain.orders import Order
from sandbox.payments.webhooks import signature
from tests.integration.conftest import AnOrder
from tests.integration.hook import Hook, Json, secret
from tests.integration.paid_orders import CANCELED, confirmed, now
from tests.integration.provider import DAY_S, Provider


def an_event(order: Order, payment: Json) -> bytes:
    intent = {
        "id": payment["provider_id"], "object": "payment_intent", "status": "canceled",
        "metadata": {"tenant_id": order.tenant_id, "order_id": order.order_id},
    }  # fmt: skip
    event = {"id": "evt_forged", "object": "event", "type": CANCELED, "data": {"object": intent}}
    return json.dumps(event).encode()


async def test_forged_old_and_missing_signatures_are_refused(an_order: AnOrder, provider: Provider, hook: Hook) -> None:
    order = await an_order(("TEA", 2))
    body = an_event(order, await confirmed(order))
    await provider.skip(7 * DAY_S + 60)
    at = int(time.time())
    forged = [
        signature(body.decode(), "whsec_other", at),
        signature(body.decode(), await secret(), at - payment_events.TOLERANCE_S - 5),
        signature(body.decode() + " ", await secret(), at),
        "t=1,v1=",
        "nonsense",
        None,
    ]

    for header in forged:
        status, problem = await hook.post(body, header)
        assert (status, problem["type"]) == (400, "urn:waybill:problem:invalid")
        assert "whsec" not in json.dumps(problem)
    assert not (await now(order)).needs_attention


async def test_lie_under_a_good_signature_is_settled_by_asking_the_provider(
    an_order: AnOrder, hook: Hook, provider: Provider
) -> None:
    order = await an_order(("TEA", 2))
    body = an_event(order, await confirmed(order))

    status, answer = await hook.post(body, signature(body.decode(), await secret(), int(time.time())))

    assert (status, answer) == (200, {"outcome": "fits"})
    assert (await provider.ledger(order.order_id))["voided"] == 0


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"object": "event"}', b"\xff\xfe", b'"evt"', b"null"])
async def test_signed_nonsense_is_refused(hook: Hook, body: bytes) -> None:
    header = signature(body.decode(errors="replace"), await secret(), int(time.time()))

    status, problem = await hook.post(body, header)

    assert (status, problem["status"]) == (400, 400)


async def test_body_beyond_the_limit_is_refused(hook: Hook) -> None:
    status, problem = await hook.post(b" " * (1024 * 1024 + 1), "t=1,v1=0")

    assert (status, problem["type"]) == (413, "urn:waybill:problem:too-large")


async def test_rotated_secret_takes_effect_with_the_first_event_that_it_signs(
    an_order: AnOrder, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = await an_order(("TEA", 2))
    body = an_event(order, {"provider_id": "pi_none"})
    old, new = await secret(), "whsec_rotated"
    vault = await clients.key_vault()
    await vault.set_secret(secrets.STRIPE_WEBHOOK_SECRET, new)
    try:
        header = signature(body.decode(), new, int(time.time()))
        assert (await hook.post(body, header))[0] == 400  # asked the vault a moment ago: forgeries must not wear it out
        monkeypatch.setattr(payment_events, "RENEW_EVERY_S", 0)
        assert (await hook.post(body, header))[0] == 200
        assert (await hook.post(body, signature(body.decode(), old, int(time.time()))))[0] == 400
    finally:
        await vault.set_secret(secrets.STRIPE_WEBHOOK_SECRET, old)
