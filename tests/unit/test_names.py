from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.names import (
    IDENTIFIER,
    OrderRef,
    UserRef,
    address_instance_id,
    erase_instance_id,
    fulfil_instance_id,
    idempotency_key,
    parse_instance_id,
    parse_user_instance_id,
    register_instance_id,
)

identifiers = st.from_regex(rf"\A{IDENTIFIER}\Z")


@given(tenant_id=identifiers, order_id=identifiers)
def test_instance_id_names_exactly_one_order(tenant_id: str, order_id: str) -> None:
    instance_id = fulfil_instance_id(tenant_id, order_id)

    assert parse_instance_id(instance_id) == OrderRef(tenant_id, order_id)
    assert not set("/\\#?") & set(instance_id)
    assert len(instance_id) <= 256


@pytest.mark.parametrize(
    "text",
    ["", "fulfil", "fulfil:acme", "fulfil:acme:o-1:x", "return:acme:o-1", "fulfil:ac/me:o-1", "fulfil:acme:o-1\n",
     "fulfil:acme:..", "fulfil:.:o-1"],
)  # fmt: skip
def test_other_texts_name_no_order(text: str) -> None:
    assert parse_instance_id(text) is None


def test_idempotency_key_is_instance_and_activity() -> None:
    assert idempotency_key("fulfil:acme:o-42", "authorise_payment") == "fulfil:acme:o-42:authorise_payment"


@given(tenant_id=identifiers, user_id=identifiers, order_id=identifiers)
def test_instance_id_names_exactly_one_user(tenant_id: str, user_id: str, order_id: str) -> None:
    instances = [
        register_instance_id(tenant_id, user_id, "v2"),
        address_instance_id(tenant_id, user_id, 3),
        address_instance_id(tenant_id, user_id, 3, order_id),
        erase_instance_id(tenant_id, user_id),
        erase_instance_id(tenant_id, user_id, order_id),
    ]

    assert {parse_user_instance_id(instance_id) for instance_id in instances} == {UserRef(tenant_id, user_id)}
    assert {parse_instance_id(instance_id) for instance_id in instances} == {None}
    assert max(map(len, instances)) <= 256


@pytest.mark.parametrize("text", ["", "register:acme:u-1", "erase:acme", "erase:ac/me:u-1", "fulfil:acme:o-1"])
def test_other_texts_name_no_user(text: str) -> None:
    assert parse_user_instance_id(text) is None
