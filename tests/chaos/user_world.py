"""A world in which the customer is a user: registers, moves house, asks to be forgotten.

The change feed is delivered by hand, as often as the feed itself would: until it has been taken.
"""

from __future__ import annotations

import json
import re
from typing import Any

from localazure.durable.functions import FunctionFailure
from localazure.testing import HubCrashed, Orchestration

from adapters import views
from adapters.cosmos import Container
from domain.names import address_instance_id, erase_instance_id, register_instance_id
from domain.orders import OrderStatus
from domain.users import User
from tests.chaos.world import ADDRESS, World, on_loop, rows
from tests.services import Services

HOME = {**ADDRESS, "name": "Ada Lovelace", "line1": "Rua 2", "city": "Porto", "country": "PT"}
NEXT_HOME = {**HOME, "line1": "Avenida 3"}
PERSONAL = ("Ada", "Linden", "Rua", "Avenida", "Porto", "@example.com", "too much")
"""What may be left nowhere once the customer is forgotten."""
CUSTOMER = "c-17"

_DELIVERIES = 20


class UserWorld(World):
    """What a customer does who is known by name."""

    def __init__(self, services: Services, on_hand: dict[str, int], **settings: Any) -> None:
        super().__init__(services, on_hand, **settings)
        self.user_ids: list[str] = []
        self._emails: dict[str, str] = {}
        self.left_before_moving: set[str] = set()

    # People

    def register(self, user_id: str = CUSTOMER, *, email_of: str = CUSTOMER) -> int:
        """Register a user, with the e-mail address of another one if that is said; how it was answered."""
        self.user_ids.append(user_id)
        self._emails[user_id] = f"{self.tenant_id}-{email_of}@example.com"
        body = {"userId": user_id, "name": "Ada Lovelace", "email": self._emails[user_id], "address": ADDRESS}
        return self.call("POST", "/v1/users", body, f"registration of {user_id}")[0]

    def verify(self, user_id: str = CUSTOMER) -> int:
        """Tell the newest code that has come."""
        path = f"/v1/users/{user_id}/verification"
        return self.call("POST", path, {"code": self.codes(user_id)[-1]})[0]

    def codes(self, user_id: str = CUSTOMER) -> list[str]:
        """The codes in the user's mailbox, oldest first."""
        url = f"{self._services.endpoints['mail']}/messages"
        mails = self._provider.get(url, params={"to": self._emails[user_id]}, timeout=10).json()
        return re.findall(rf"{re.escape(self.tenant_id)}\.[0-9A-Z]{{16}}", json.dumps(mails))

    def move(self, address: dict[str, str] = HOME) -> None:
        """Tell a new address; parcels that have left by then keep the old one."""
        gone = [parcel for order_id in self.order_ids for parcel in self.dossier(order_id).shipments]
        self.left_before_moving |= {parcel.shipment_id for parcel in gone if parcel.status != "booked"}
        headers = {**self._headers, "If-Match": "*"}
        assert self._answer("PATCH", f"/v1/users/{CUSTOMER}", {"address": address}, headers)[0] == 200
        self.feed()

    def ask_to_be_forgotten(self) -> None:
        assert self.call("DELETE", f"/v1/users/{CUSTOMER}")[0] == 202
        self.feed()

    def place(self, *order: Any, **changes: Any) -> str:
        """Place an order that says more of the customer."""
        return super().place(*order, **{"email": "ada@example.com", "reference": "for Ada"} | changes)

    # The change feed

    def feed(self) -> None:
        """Deliver what has changed of users and orders."""
        self._deliver("follow_users", on_loop(rows("users", [self.tenant_id])))
        for order_id in self.order_ids:
            self._deliver("project_orders", on_loop(rows("orders", [self.tenant_id, order_id])))

    def _deliver(self, function: str, documents: list[dict[str, Any]]) -> None:
        batch = json.dumps([{**document, "_lsn": 1} for document in documents])
        for _ in range(_DELIVERIES):
            try:
                return self.hub.trigger(function, batch)
            except (HubCrashed, FunctionFailure):
                self.hub.advance(seconds=1)
        raise AssertionError(f"{function} never takes {batch}")

    # What has become of things

    def user(self, user_id: str = CUSTOMER) -> User | None:
        found = [row for row in on_loop(rows("users", [self.tenant_id])) if row["id"] == user_id]
        return User.model_validate(found[0]) if found else None

    def users(self) -> list[User]:
        return [User.model_validate(row) for row in on_loop(rows("users", [self.tenant_id]))]

    def registrations(self, user_id: str = CUSTOMER) -> list[Orchestration]:
        return self.hub.instances(register_instance_id(self.tenant_id, user_id, ""))

    def propagations(self) -> list[Orchestration]:
        return self.hub.instances(address_instance_id(self.tenant_id, CUSTOMER, 0).removesuffix("0"))

    def erasures(self) -> list[Orchestration]:
        return self.hub.instances(erase_instance_id(self.tenant_id, CUSTOMER))

    def instances(self) -> list[Orchestration]:
        of_users = [each for user_id in self.user_ids for each in self.registrations(user_id)]
        return [*super().instances(), *of_users, *self.propagations(), *self.erasures()]

    def shown(self) -> list[str]:
        """The ids of the orders that the customer's list shows."""
        return on_loop(views.order_ids(self.tenant_id, CUSTOMER, frozenset(OrderStatus), None, 100))

    def everything(self) -> str:
        """All that is stored of the tenant, the histories of workflows and the claims on keys included."""
        kept = [on_loop(rows("orders", [self.tenant_id, order_id])) for order_id in self.order_ids]
        kept += [on_loop(rows(name, [self.tenant_id])) for name in ("users", "views", "operations")]
        histories = [each.history for each in self.instances()]
        return json.dumps([kept, on_loop(_claims(self.tenant_id)), histories], default=str)


async def _claims(tenant_id: str) -> list[dict[str, Any]]:
    query = "SELECT * FROM c WHERE c.tenantId = @tenant"
    return [row async for row in Container("idempotency").query(query, {"tenant": tenant_id})]
