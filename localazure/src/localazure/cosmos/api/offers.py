"""Offers: how the throughput of a database or container is found and changed."""

from __future__ import annotations

from localazure.cosmos import throughput
from localazure.cosmos.account import Account
from localazure.cosmos.api.feeds import feed_of
from localazure.cosmos.errors import MethodNotAllowed
from localazure.cosmos.jsontext import dump, parse_object
from localazure.cosmos.messages import Call, Reply
from localazure.cosmos.resources import Offer


def post_offers(account: Account, call: Call) -> Reply:
    """POST /offers is always a query: offers come with the resources they pay for."""
    if not call.is_query:
        raise MethodNotAllowed("An offer cannot be created by itself.")
    return list_offers(account, call)


def list_offers(account: Account, call: Call) -> Reply:
    """GET /offers, and its queries."""
    documents = [offer.document() for offer in account.catalog.offers()]
    return feed_of(call, "Offers", "", documents, account.clock.now())


def read_offer(account: Account, call: Call) -> Reply:
    """GET /offers/{rid}."""
    return _reply(account.catalog.offer(call.address.segments[1]))


def replace_offer(account: Account, call: Call) -> Reply:
    """PUT /offers/{rid}."""
    offer = account.catalog.offer(call.address.segments[1])
    account.catalog.replace_offer(offer, throughput.from_document(parse_object(call.body)), account.clock.now())
    return _reply(offer)


def _reply(offer: Offer) -> Reply:
    return Reply(text=dump(offer.document()), headers={"etag": offer.etag})
