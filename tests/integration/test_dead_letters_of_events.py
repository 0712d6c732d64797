"""Letters of the payment provider's events and of documents of change feeds: they are judged and handled again."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import azure.functions as func
import pytest

from activities.authorise_payment import authorise_payment
from activities.cancel_shipments import cancel_shipments
from activities.record_transition import record_transition
from adapters import dead_letters, views
from adapters.cosmos import Container
from adapters.dead_letters import DeadLetter
from domain.names import fulfil_instance_id, idempotency_key
from domain.orders import Order
from domain.payment_news import PaymentNews
from tests.integration.api import Api
from tests.integration.attention import attended, flagged
from tests.integration.conftest import Admin, AnOrder, a_step
from tests.integration.provider import DAY_S, Provider
from triggers import payment_news
from triggers.change_feed.project_orders import project_orders

CANCELED = "payment_intent.canceled"


@pytest.fixture
async def lost_payment(an_order: AnOrder, provider: Provider, admin: Admin, api: Api) -> tuple[Order, str]:
    """A confirmed order whose authorisation has expired, and the letter that tells of it."""
    order = await an_order(("TEA", 2))
    key = idempotency_key(fulfil_instance_id(order.tenant_id, order.order_id), "authorise_payment")
    since = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    asked = {"amount_minor": 2500, "currency": "EUR", "payment_method": "pm_card_visa", "idempotency_key": key}
    movement = await authorise_payment(a_step(order, **asked, since=since))
    offers = {"TEA": {"unit_amount_minor": 1250, "warehouse": "berlin"}}
    await record_transition(a_step(order, to="reserved", offers=offers))
    held = {"kind": "authorisation", "key": key, "currency": "EUR", **movement}
    await record_transition(a_step(order, to="confirmed", movement=held))
    await provider.skip(7 * DAY_S + 60)
    news = PaymentNews(
        event_id="evt_1",
        type=CANCELED,
        provider_id=movement["provider_id"],
        status="canceled",
        why="expired",
        tenant_id=order.tenant_id,
        order_id=order.order_id,
        key=key,
    )
    assert await payment_news.take(api.hub, news, "corr-1") == "flagged"  # type: ignore[arg-type]  # a stand-in
    return order, f"payment_lost:{movement['provider_id']}"


class TestPaymentEvents:
    async def test_event_is_judged_again_and_stays_open_while_it_is_true(
        self, admin: Admin, lost_payment: tuple[Order, str]
    ) -> None:
        order, letter_id = lost_payment

        answer = await admin("POST", f"/v1/dead-letters/{letter_id}/replay")

        assert answer.status == 409
        assert "no longer holds the money: expired; put that right" in answer.body["detail"]
        letter = await dead_letters.get(order.tenant_id, letter_id)
        assert (letter.status, letter.attempts, letter.handled[-1].outcome) == ("open", 2, "failed")
        assert await flagged(order)

    async def test_event_that_is_over_is_closed_once_by_two_who_ask_at_once(
        self, admin: Admin, lost_payment: tuple[Order, str]
    ) -> None:
        order, letter_id = lost_payment
        await cancel_shipments(a_step(order, actor="c-17"))

        answers = await asyncio.gather(*(admin("POST", f"/v1/dead-letters/{letter_id}/replay") for _ in range(2)))

        assert {answer.status for answer in answers} == {200}
        letter = await dead_letters.get(order.tenant_id, letter_id)
        assert (letter.status, [each.outcome for each in letter.handled]) == ("replayed", ["done"])
        assert letter.handled[0].actor == "admin-1"
        assert (await attended(order), await flagged(order)) == ([("admin-1", "dead letter replayed")], False)


class TestParkedDocuments:
    @pytest.fixture
    async def broken(self, an_order: AnOrder, api: Api) -> DeadLetter:
        """The letter of an order's document that nobody can read."""
        order = await an_order()
        orders_ = Container("orders")
        document = await orders_.read(order.order_id, [order.tenant_id, order.order_id])
        await orders_.replace({**document, "status": "unheard of"}, document["_etag"])
        document = await orders_.read(order.order_id, [order.tenant_id, order.order_id])
        batch = func.DocumentList([func.Document.from_dict({**document, "_lsn": 7})])
        await project_orders(batch, api.hub)  # type: ignore[arg-type]  # a stand-in
        return await dead_letters.get(order.tenant_id, f"project_orders:{order.order_id}:7")

    async def test_document_is_read_and_handled_again(self, admin: Admin, broken: DeadLetter, tenant_id: str) -> None:
        replay, order_id = f"/v1/dead-letters/{broken.letter_id}/replay", str(broken.order_id)

        refused = await admin("POST", replay)
        assert refused.status == 409
        assert "ValidationError" in refused.body["detail"]

        document = await Container("orders").read(order_id, [tenant_id, order_id])
        await Container("orders").replace({**document, "status": "pending"}, document["_etag"])
        answer = await admin("POST", replay)

        assert (answer.status, answer.body["status"], answer.body["attempts"]) == (200, "replayed", 2)
        assert [row.order_id for row in await views.orders(tenant_id, "c-17", None, None, 10)] == [order_id]

    async def test_document_that_is_gone_needs_nothing(self, admin: Admin, tenant_id: str) -> None:
        payload = {"container": "users", "id": "u-gone", "_lsn": 7}
        letter = DeadLetter(
            letter_id="follow_users:u-gone:7", source="follow_users", payload=payload, reason="?", at=datetime.now(UTC)
        )
        await dead_letters.park(tenant_id, letter)

        assert (await admin("POST", f"/v1/dead-letters/{letter.letter_id}/replay")).status == 200
