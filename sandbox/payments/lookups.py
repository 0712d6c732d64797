"""Reading what is there: lists in pages, the search, single charges and events."""

from __future__ import annotations

import json

from sandbox.payments.desk import Call, Desk, Reply
from sandbox.payments.errors import invalid_request, no_such_object
from sandbox.payments.objects import Json, charge_object, intent_object, list_object, refund_object
from sandbox.payments.parameters import Parameters
from sandbox.payments.search import compile_search
from sandbox.payments.store import Query

_PAGING = ("limit", "starting_after", "created")
_COMPARISONS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


def list_payment_intents(desk: Desk, call: Call) -> Reply:
    call.parameters.allow_only((*_PAGING, "customer"))
    query = _within(call.parameters, "intents")
    if customer := call.parameters.text("customer"):
        query &= Query("customer = ?", (customer,))
    limit = _limit(call.parameters)
    found = desk.store.intents(query, limit + 1)
    return _page(call, [intent_object(intent, call.expand) for intent in found], limit)


def search_payment_intents(desk: Desk, call: Call) -> Reply:
    call.parameters.allow_only(("limit", "page", "query"))
    query = compile_search(call.parameters.required_text("query"))
    limit, offset = _limit(call.parameters), _offset(call.parameters)
    found = desk.store.intents(query, limit + 1, offset)
    more = len(found) > limit
    return 200, {
        "object": "search_result",
        "url": call.path,
        "has_more": more,
        "next_page": str(offset + limit) if more else None,
        "data": [intent_object(intent, call.expand) for intent in found[:limit]],
    }


def list_refunds(desk: Desk, call: Call) -> Reply:
    call.parameters.allow_only((*_PAGING, "charge", "payment_intent"))
    query = _within(call.parameters, "refunds")
    for name, column in (("charge", "charge_id"), ("payment_intent", "intent_id")):
        if value := call.parameters.text(name):
            query &= Query(f"{column} = ?", (value,))
    limit = _limit(call.parameters)
    found = desk.store.refunds(query, limit + 1)
    return _page(call, [refund_object(refund) for refund in found], limit)


def retrieve_charge(desk: Desk, call: Call) -> Reply:
    call.parameters.allow_only(())
    intent = desk.store.intent_of_charge(call.object_id)
    for charge in intent.charges if intent else ():
        if intent and charge.id == call.object_id:
            return 200, charge_object(intent, charge)
    raise no_such_object("charge", call.object_id, param="id", in_path=True)


def retrieve_event(desk: Desk, call: Call) -> Reply:
    call.parameters.allow_only(())
    document = desk.outbox.document(call.object_id)
    if document is None:
        raise no_such_object("event", call.object_id, param="id", in_path=True)
    return 200, json.loads(document)


def list_events(desk: Desk, call: Call) -> Reply:
    call.parameters.allow_only((*_PAGING, "type"))
    query = _within(call.parameters, "events")
    if type_ := call.parameters.text("type"):
        query &= Query("type GLOB ?", (type_,))
    limit = _limit(call.parameters)
    return _page(call, desk.outbox.events(query, limit + 1), limit)


def _page(call: Call, found: list[Json], limit: int) -> Reply:
    """One page out of a look-up that asked for one object more than the page holds."""
    return 200, list_object(call.path, found[:limit], has_more=len(found) > limit)


def _limit(parameters: Parameters) -> int:
    return parameters.integer("limit", most=100) or 10


def _offset(parameters: Parameters) -> int:
    page = parameters.text("page") or "0"
    if not page.isdecimal():
        raise invalid_request("Invalid page", param="page")
    return int(page)


def _within(parameters: Parameters, table: str) -> Query:
    """The part of a list that `starting_after` and `created` ask for."""
    query = _created(parameters)
    if cursor := parameters.text("starting_after"):
        query &= Query(f"position < (SELECT position FROM {table} WHERE id = ?)", (cursor,))  # noqa: S608  # our own name
    return query


def _created(parameters: Parameters) -> Query:
    """`created` is a moment, or a range such as `created[gte]`; epoch seconds."""
    if not parameters.is_group("created"):
        at = parameters.integer("created", least=0)
        return Query() if at is None else Query("created = ?", (at,))
    bounds = Parameters(parameters.group("created"))
    bounds.allow_only(_COMPARISONS)
    query = Query()
    for name, sign in _COMPARISONS.items():
        bound = bounds.integer(name, least=0)
        if bound is not None:
            query &= Query(f"created {sign} ?", (bound,))
    return query
