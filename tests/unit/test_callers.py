from __future__ import annotations

from collections.abc import Callable

import pytest

from domain.callers import Caller, Role
from domain.errors import Forbidden, NotFound
from domain.orders import Order

AnOrder = Callable[..., Order]


def a_caller(*roles: Role, tenant_id: str = "acme", subject: str = "c-17") -> Caller:
    return Caller(tenant_id, subject, frozenset(roles))


def test_admin_is_an_operator_and_an_operator_is_no_admin() -> None:
    assert a_caller(Role.ADMIN).is_operator
    assert not a_caller(Role.OPERATOR).is_one_of(frozenset({Role.ADMIN}))
    assert not a_caller().is_one_of(frozenset(Role))


def test_customer_acts_for_themselves_and_an_operator_for_anyone() -> None:
    a_caller(Role.CUSTOMER).act_for("c-17")
    a_caller(Role.OPERATOR).act_for("c-18")
    with pytest.raises(Forbidden, match="must be c-17"):
        a_caller(Role.CUSTOMER).act_for("c-18")


def test_order_is_seen_by_its_customer_and_by_operators_of_its_tenant(an_order: AnOrder) -> None:
    order = an_order()

    assert a_caller(Role.CUSTOMER).see(order) is order
    assert a_caller(Role.OPERATOR, subject="u-1").see(order) is order


@pytest.mark.parametrize(
    "stranger",
    [
        a_caller(Role.CUSTOMER, subject="c-18"),
        a_caller(Role.CUSTOMER, tenant_id="other"),
        a_caller(Role.ADMIN, tenant_id="other"),
    ],
    ids=["another customer", "the same name elsewhere", "an admin elsewhere"],
)
def test_order_does_not_exist_for_others(an_order: AnOrder, stranger: Caller) -> None:
    with pytest.raises(NotFound):
        stranger.see(an_order())
