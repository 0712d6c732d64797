"""Who calls, and what that lets them see: the one place where tenant, role and ownership are weighed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.errors import Forbidden, NotFound
from domain.orders import Order


class Role(StrEnum):
    """What a token may say that its bearer is."""

    CUSTOMER = "customer"
    OPERATOR = "operator"
    APPROVER = "approver"
    CARRIER = "carrier"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Caller:
    """The bearer of a valid token."""

    tenant_id: str
    subject: str
    roles: frozenset[Role]

    def is_one_of(self, roles: frozenset[Role]) -> bool:
        """Whether the caller has one of these roles; an admin is an operator too."""
        held = self.roles | {Role.OPERATOR} if Role.ADMIN in self.roles else self.roles
        return bool(held & roles)

    @property
    def is_operator(self) -> bool:
        """Whether the caller works for the merchant and may see all of the tenant's orders."""
        return self.is_one_of(frozenset({Role.OPERATOR}))

    def act_for(self, customer_id: str) -> None:
        """Raises Forbidden unless the caller may place orders for this customer."""
        if not self.is_operator and customer_id != self.subject:
            raise Forbidden(f"a customer orders for themselves: customerId must be {self.subject}")

    def see_user(self, user_id: str) -> None:
        """Raises NotFound unless the caller is this user or an operator, so that nobody learns which ids exist."""
        if not self.is_operator and user_id != self.subject:
            raise NotFound(f"there is no user {user_id}")

    def see(self, order: Order) -> Order:
        """The order, if the caller may see it. Raises NotFound, so that nobody learns which ids exist."""
        if order.tenant_id == self.tenant_id and (self.is_operator or order.customer_id == self.subject):
            return order
        raise NotFound(f"there is no order {order.order_id}")
