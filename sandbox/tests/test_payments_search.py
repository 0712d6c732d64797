"""The search language and the form encoding, as the real SDK speaks them and as they are when written badly."""

from __future__ import annotations

from typing import Any

import pytest
import stripe

from sandbox.payments.errors import StripeError
from sandbox.payments.forms import Form, decode, elements

ORDERS: list[Any] = [
    {"amount": 500, "currency": "eur", "metadata": {"order_id": "o-1", "tenant": "acme"}},
    {"amount": 1500, "currency": "usd", "metadata": {"order_id": "o-2", "tenant": "acme"}},
    {"amount": 2500, "currency": "eur", "metadata": {"order_id": "it's \\ odd"}},
]


@pytest.fixture
def stocked(client: stripe.StripeClient) -> stripe.StripeClient:
    """A client of a simulator that holds three intents of 500, 1500 and 2500."""
    for order in ORDERS:
        client.v1.payment_intents.create(order)
    return client


@pytest.mark.parametrize(
    ("query", "amounts"),
    [
        ("metadata['order_id']:'o-1'", [500]),
        ('metadata["order_id"]:"o-2"', [1500]),
        (r"metadata['order_id']:'it\'s \\ odd'", [2500]),
        ("metadata['order_id']:'o'", []),
        ("metadata['order_id']~'O-'", [500, 1500]),
        ("metadata['tenant']:null", [2500]),
        ("-metadata['tenant']:null", [500, 1500]),
        ("metadata['tenant']:'acme' AND currency:'eur'", [500]),
        ("metadata['tenant']:'acme' currency:'usd'", [1500]),
        ("currency:'usd' OR amount>=2500", [1500, 2500]),
        ("amount>500 AND amount<2500", [1500]),
        ("amount:500", [500]),
        ("-currency:'eur'", [1500]),
        ("status:'requires_payment_method' AND created>0", [500, 1500, 2500]),
    ],
)
def test_search_finds(stocked: stripe.StripeClient, query: str, amounts: list[int]) -> None:
    found = stocked.v1.payment_intents.search({"query": query})
    assert [intent.amount for intent in found.data][::-1] == amounts


@pytest.mark.parametrize(
    "query",
    [
        "nonsense",
        "amount:'x'",
        "currency>'eur'",
        "colour:'red'",
        "amount:1 AND currency:'eur' OR amount:2",
        "amount:1 AND",
    ],
)
def test_search_refuses_what_it_cannot_read(client: stripe.StripeClient, query: str) -> None:
    with pytest.raises(stripe.InvalidRequestError) as refusal:
        client.v1.payment_intents.search({"query": query})
    assert refusal.value.param == "query"


def test_search_pages_through_all_results(stocked: stripe.StripeClient) -> None:
    found = stocked.v1.payment_intents.search({"query": "amount>0", "limit": 1})
    assert [intent.amount for intent in found.auto_paging_iter()] == [2500, 1500, 500]


def test_list_is_narrowed_by_time(stocked: stripe.StripeClient) -> None:
    listed = stocked.v1.payment_intents.list
    created = listed().data[0].created
    assert len(listed({"created": {"gte": created - 60, "lte": created}}).data) == 3
    assert listed({"created": {"gt": created}}).data == []


@pytest.mark.parametrize(
    ("encoded", "form"),
    [
        ("amount=5&currency=eur", {"amount": "5", "currency": "eur"}),
        ("metadata[a]=1&metadata[b%26]=x+y", {"metadata": {"a": "1", "b&": "x y"}}),
        ("a[b][c]=1&a[b][d]=2", {"a": {"b": {"c": "1", "d": "2"}}}),
        ("expand[]=x&expand[]=y", {"expand": {"0": "x", "1": "y"}}),
        ("description=", {"description": ""}),
    ],
)
def test_form_is_decoded(encoded: str, form: Form) -> None:
    assert decode(encoded) == form


@pytest.mark.parametrize("encoded", ["a]=1", "a[b=1", "a=1&a[b]=2", "a[b]=2&a=1", "[a]=1"])
def test_form_that_makes_no_sense_is_refused(encoded: str) -> None:
    with pytest.raises(StripeError, match="Invalid parameter name"):
        decode(encoded)


def test_elements_come_in_the_order_of_their_indices() -> None:
    form = decode("expand[10]=c&expand[2]=b&expand[0]=a")
    assert isinstance(form["expand"], dict)
    assert elements(form["expand"]) == ["a", "b", "c"]
