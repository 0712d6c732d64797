"""Users, and people who deal with them: the functions behind the routes, and a stand-in for the task hub."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import azure.functions as func

from activities.send_mail import send_mail
from activities.store_user import store_user
from adapters import users
from adapters.cosmos import Container
from domain.orders import Order
from domain.users import User
from tests.integration.api import Api, Reply
from triggers.change_feed.follow_users import follow_users
from triggers.change_feed.project_orders import project_orders

ADA = {"name": "Ada", "email": "ada@example.com"}
BERLIN = {"name": "Ada", "line1": "Linden 1", "postalCode": "10117", "city": "Berlin", "country": "DE"}
PORTO = {"name": "Ada", "line1": "Rua 2", "postalCode": "4000", "city": "Porto", "country": "PT"}


class RegisteringHub:
    """A task hub that runs registrations as far as their first step, and remembers the rest."""

    def __init__(self) -> None:
        self.started: dict[str, dict[str, Any]] = {}
        self.shown: dict[str, tuple[Any, Any]] = {}
        self.heard: list[tuple[str, str]] = []
        self.states: Iterator[str] = iter(())
        self.runs = True

    async def start_new(self, name: str, instance_id: str, client_input: Any) -> str:
        if instance_id in self.started:
            raise RuntimeError("there is such an instance")
        self.started[instance_id] = {"name": name, **client_input}
        if self.runs and client_input.get("registration_key"):
            await self.run(instance_id)
        return instance_id

    async def run(self, instance_id: str) -> None:
        """Take the first step of a registration."""
        outcome = (await store_user(a_user_step(instance_id, self.started[instance_id])))["outcome"]
        refused = {"status": "refused", "reason": outcome}
        self.shown[instance_id] = ("welcoming", None) if outcome == "stored" else ("refused", refused)

    async def get_status(self, instance_id: str, **_: bool) -> Any:
        if instance_id not in self.started:
            return None
        stage, output = self.shown.get(instance_id, ("storing", None))
        return SimpleNamespace(
            name=self.started[instance_id]["name"],
            instance_id=instance_id,
            created_time=None,
            last_updated_time=None,
            input_=None,
            custom_status={"stage": stage},
            output=output,
            runtime_status=SimpleNamespace(value=next(self.states, "Running")),
            history=None,
        )

    async def raise_event(self, instance_id: str, name: str, _data: Any) -> None:
        self.heard.append((instance_id, name))


class Shop(Api):
    """`await shop("GET", "/v1/users/u-1", as_="operator u-1")`: the routes, within one tenant."""

    def __init__(self, tenant_id: str) -> None:
        self.tenant_id = tenant_id
        self.hub: Any = RegisteringHub()

    async def __call__(
        self, method: str, path: str, body: Any = None, *, as_: str = "operator u-1", **headers: str
    ) -> Reply:
        return await super().__call__(method, path, body, as_=f"{self.tenant_id} {as_}", **headers)

    async def register(self, user_id: str = "c-17", **changes: Any) -> Reply:
        """A new user with an address of e-mail of their own, and their answer."""
        body = {**ADA, "email": f"{user_id}@example.com", "userId": user_id} | changes
        return await self("POST", "/v1/users", body, idempotency_key=f"k-{user_id}")

    async def patch(self, user_id: str = "c-17", **changes: Any) -> Reply:
        """Change whatever version of a user there is."""
        return await self("PATCH", f"/v1/users/{user_id}", changes, if_match="*")

    async def verify(self, code: str, user_id: str = "c-17") -> int:
        """What is answered to somebody without a token who tells this code."""
        told = await self("POST", f"/v1/users/{user_id}/verification", {"code": code}, authorization="")
        return int(told.status)

    async def follow(self) -> list[str]:
        """Deliver the change feed of the tenant's users; the instances that have been started so far."""
        await follow_users(await feed("users", [self.tenant_id]), self.hub)
        return list(self.hub.started)

    async def project(self, order: Order) -> list[str]:
        """Deliver the change feed of an order; the instances that have been started so far."""
        documents = await feed("orders", [order.tenant_id, order.order_id])
        await project_orders(documents, self.hub)
        return list(self.hub.started)


def a_user_step(instance_id: str, about: dict[str, Any], **payload: Any) -> dict[str, Any]:
    """The payload of an activity for a user."""
    return {"instance_id": instance_id, "at": datetime.now(UTC).isoformat(), **about, **payload}


async def stored(shop: Shop, user_id: str = "c-17") -> User:
    """The user as the database has them."""
    user = await users.find(shop.tenant_id, user_id)
    assert user
    return user


async def mail_step(shop: Shop, user_id: str = "c-17") -> dict[str, Any]:
    """The payload of the activities that see to the verification which the user has before them."""
    verification_id = (await stored(shop, user_id)).verification.verification_id
    instance_id = f"register:{shop.tenant_id}:{user_id}:{verification_id}"
    about = {"tenant_id": shop.tenant_id, "user_id": user_id, "correlation_id": "corr-1"}
    return a_user_step(instance_id, about, verification_id=verification_id)


async def mailed(shop: Shop, user_id: str = "c-17") -> dict[str, Any]:
    """Send the user the code that their verification asks for."""
    step = await mail_step(shop, user_id)
    assert await send_mail(step) == {"outcome": "sent"}
    return step


async def feed(container: str, key: list[str]) -> func.DocumentList:
    """The documents of a partition, as the feed delivers them."""
    rows = Container(container).query("SELECT * FROM c", key=key)
    return func.DocumentList([func.Document.from_dict({**row, "_lsn": 7}) async for row in rows])
