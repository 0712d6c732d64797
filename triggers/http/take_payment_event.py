"""`POST /payments/webhook`."""

from __future__ import annotations

from adapters import payment_events
from adapters.logs import log
from triggers import payment_news
from triggers.web.answers import Answer
from triggers.web.call import Call


async def take_payment_event(call: Call) -> Answer:
    """Hear what the payment provider says. The signature says who calls; no token is asked for."""
    news = await payment_events.verified(call.content(), call.header("stripe-signature"))
    taken = await payment_news.take(call.client, news, call.correlation_id)
    log("payment_event", tenant=news.tenant_id, order=news.order_id, event=news.type, id=news.event_id, outcome=taken)
    return Answer(200, {"outcome": taken})
