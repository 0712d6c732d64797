"""What a user's new address, and their wish to be forgotten, do to an order."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from domain.addresses import UNSHIPPED, is_due, readdressed, redirected
from domain.changes import Change
from domain.erasure import erased_order, is_erased
from domain.errors import Defect
from domain.orders import Line, LineStatus, Order, OrderStatus
from domain.shipments import ShipmentStatus, parcels
from domain.users import User, erased
from tests.unit.conftest import AT
from tests.unit.test_users import a_user, patched

AnOrder = Callable[..., Order]


def moved(**changes: Any) -> User:
    """A user whose address changed an hour after the order was placed."""
    return patched(a_user(), {"address": {"line1": "Linden 2"}}).model_copy(update=changes)


def a_change(order: Order) -> Change:
    return Change(to=order.status, at=AT, actor="propagate_address", correlation_id="corr-2")


@pytest.mark.parametrize("status", OrderStatus)
def test_new_address_is_for_orders_that_have_not_shipped(an_order: AnOrder, status: OrderStatus) -> None:
    assert is_due(an_order(status=status), moved()) is (status in UNSHIPPED)


def test_order_placed_after_the_change_keeps_its_own_address(an_order: AnOrder) -> None:
    user = moved()

    assert is_due(an_order(placed_at=user.address_changed_at), user)
    assert not is_due(an_order(placed_at=AT + timedelta(hours=2)), user)


def test_address_is_given_once_and_never_an_older_one(an_order: AnOrder) -> None:
    user = moved()

    after, event = readdressed(an_order(status=OrderStatus.CONFIRMED), user, a_change(an_order()))

    assert (after.ship_to, after.address_version, after.status) == (user.address, 1, OrderStatus.CONFIRMED)
    assert event.name == "address_changed:v1"
    assert not is_due(after, user)
    assert is_due(after, patched(user, {"address": {"line1": "Linden 3"}}))
    assert not is_due(after.model_copy(update={"address_version": 2}), user)


@pytest.mark.parametrize("user", [a_user(), moved(address=None), erased(moved(), AT, "x")], ids=lambda u: u.status)
def test_user_without_a_new_address_changes_no_order(an_order: AnOrder, user: User) -> None:
    assert not is_due(an_order(), user)


def test_open_question_about_the_goods_stays_open(an_order: AnOrder) -> None:
    order = an_order(shortage={"TEA": 1})

    assert readdressed(order, moved(), a_change(order))[0].shortage == {"TEA": 1}


def test_address_that_is_not_there_cannot_be_given(an_order: AnOrder) -> None:
    with pytest.raises(Defect):
        readdressed(an_order(), moved(address=None), a_change(an_order()))


def test_parcel_that_has_left_keeps_its_address(an_order: AnOrder) -> None:
    line = Line(sku="TEA", quantity=2, unit_amount_minor=1250, warehouse="berlin", status=LineStatus.RESERVED)
    order = an_order(status=OrderStatus.PARTIALLY_SHIPPED).model_copy(update={"lines": (line,)})
    after, _ = readdressed(order, moved(), a_change(order))
    [parcel] = parcels(order)

    assert redirected(parcel, after).ship_to == after.ship_to
    for status in set(ShipmentStatus) - {ShipmentStatus.BOOKED}:
        left = parcel.model_copy(update={"status": status})
        assert redirected(left, after) is left


def test_erased_order_keeps_amounts_and_lines_and_no_person(an_order: AnOrder) -> None:
    order = an_order(status=OrderStatus.DELIVERED, email="ada@example.com", reference="for Ada", total_minor=2500)

    after, event = erased_order(order, a_change(order))

    left = json.dumps(after.to_json())
    for personal in ("Ada", "ada@example.com", "Linden", "10117", "Berlin", "pm_card"):
        assert personal in json.dumps(order.to_json())
        assert personal not in left
    assert (after.lines, after.total_minor, after.status) == (order.lines, 2500, OrderStatus.DELIVERED)
    assert after.ship_to.country == "DE"
    assert event.type == "personal_data_erased"
    assert (is_erased(order), is_erased(after)) == (False, True)


def test_erasing_what_was_never_said_adds_nothing(an_order: AnOrder) -> None:
    order = an_order(status=OrderStatus.CANCELLED, email=None, reference=None)

    after, _ = erased_order(order, a_change(order))

    assert (after.email, after.reference, is_erased(after)) == (None, None, True)
