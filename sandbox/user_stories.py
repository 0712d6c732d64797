"""The stories of a customer who is known by name: registers, moves house, asks to be forgotten.

Each is told of a new customer, because whoever was forgotten never comes back under the same id.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

import requests

from sandbox.client import SHIP_TO, Client, an_order, expect
from sandbox.eventually import eventually
from sandbox.stories import Scene, Story

NEW_HOME = {"name": "Ada Lovelace", "line1": "Rua da Prata 2", "postalCode": "1100-420", "city": "Lisboa"}
WRONG = "0" * 16


class Diary(NamedTuple):
    """A story that is about no order: it writes down itself what happened, line by line."""

    title: str
    text: str
    play: Callable[[Scene], list[str]]


class Customer:
    """Somebody whom the merchant registers, and what they do themselves."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.user_id = f"c-{uuid.uuid4().hex[:8]}"
        self.email = f"{self.user_id}@example.com"
        self.self: Client = scene.customer(self.user_id)
        self.lines: list[str] = []

    def register(self) -> None:
        """An operator enters the customer."""
        body = {"userId": self.user_id, "name": SHIP_TO["name"], "email": self.email, "address": SHIP_TO}
        self.note("operator", self.scene.staff.operator.post("/v1/users", body))
        eventually(self.is_known, within_s=30, what=f"user {self.user_id}")

    def is_known(self) -> bool:
        return self.self.get(f"/v1/users/{self.user_id}").status_code == 200

    def code(self) -> str:
        """The code, once it has come by mail."""

        def mailed() -> dict[str, Any] | None:
            answer = requests.get(f"{self.scene.mail}/messages", params={"to": self.email}, timeout=10)
            return next(iter(answer.json()), None)

        mail = eventually(mailed, within_s=30, what=f"a mail to {self.email}")
        self.lines.append(f"  {'mail':<9} {mail['subject']}")
        [code] = re.findall(r"\S+\.[0-9A-Z]{16}\b", mail["text"])
        return str(code)

    def tell(self, code: str, about: str) -> None:
        """Somebody without a token tells a code."""
        url = f"{self.self.api}/v1/users/{self.user_id}/verification"
        self.note("anyone", requests.post(url, json={"code": code}, timeout=10), about)

    def look(self) -> None:
        """The customer reads what is known of them."""
        self.note("customer", self.self.get(f"/v1/users/{self.user_id}"))

    def move(self) -> None:
        """The customer tells a new address, of the version of themselves that they have read."""
        path = f"/v1/users/{self.user_id}"
        etag = self.self.get(path).headers["ETag"]
        change = {"address": {**NEW_HOME, "country": "PT"}}
        expect(self.self.call("PATCH", path, json=change, headers={"If-Match": etag}), 200)

    def ask_to_be_forgotten(self) -> None:
        """The customer is erased at once, and their orders as soon as they have ended."""
        expect(self.self.call("DELETE", f"/v1/users/{self.user_id}"), 202)

    def confirmed(self, *skus: str) -> str:
        """The customer orders, and all goes well until the parcels are booked."""
        order_id = self.self.place(an_order(*skus, customer=self.user_id, email=self.email))
        self.scene.until(order_id, "confirmed")
        self.scene.staff.operator.happened(order_id, "confirmation_sent")
        self.scene.staff.operator.parcels(order_id, len(skus))
        return order_id

    def note(self, who: str, answer: requests.Response, about: str = "") -> None:
        """Write down a call and its answer."""
        path = answer.url.removeprefix(self.self.api)
        told = about or (answer.json()["status"] if answer.ok else "")
        self.lines.append(f"  {who:<9} {answer.request.method:<5} {path:<38} {answer.status_code}  {told}".rstrip())


def registered(scene: Scene) -> list[str]:
    """Lines for people: who called what, and the answer."""
    ada = Customer(scene)
    ada.register()
    code = ada.code()
    ada.tell(f"{code[: -len(WRONG)]}{WRONG}", "a guess")
    ada.tell(code, "the code from the mail")
    ada.look()
    status = expect(ada.self.get(f"/v1/users/{ada.user_id}"), 200)["status"]
    if status != "verified":
        raise SystemExit(f"This user had to be verified, and is {status}.")
    return [f"user {ada.user_id}: {status}", *ada.lines]


def moved(scene: Scene) -> str:
    ada = Customer(scene)
    ada.register()
    order_id = ada.confirmed("TEA-500", "POT-01")
    staff = scene.staff
    first, second = (parcel["shipmentId"] for parcel in staff.operator.parcels(order_id, 2))
    staff.carrier.report(order_id, first, "shipped")
    scene.until(order_id, "partially_shipped")
    ada.move()
    staff.operator.happened(order_id, "address_changed")
    for parcel, status in ((second, "shipped"), (first, "delivered"), (second, "delivered")):
        staff.carrier.report(order_id, parcel, status)
    scene.until(order_id, "delivered")
    return order_id


def forgotten(scene: Scene) -> str:
    ada = Customer(scene)
    ada.register()
    order_id = ada.confirmed("MUG-01")
    scene.staff.ship(order_id, "delivered")
    ada.ask_to_be_forgotten()
    scene.staff.operator.happened(order_id, "personal_data_erased")
    if ada.is_known():
        raise SystemExit(f"User {ada.user_id} had to be forgotten, and can be read.")
    return order_id


REGISTRATION = Diary(
    "A customer registers",
    "The merchant enters a customer; the code that comes by mail shows that the address is theirs. Whoever tells "
    "it needs no token. A code is good for 24 h and dies after five wrong ones.",
    registered,
)
USER_STORIES = (
    Story(
        "The customer moves house in the meantime",
        "One of two parcels has left when the customer tells a new address. The order and the parcel that waits "
        "get it; the one on its way keeps the address that it left with.",
        moved,
        "delivered",
    ),
    Story(
        "The customer asks to be forgotten",
        "The customer's own record is emptied at once, the order once it has ended. Amounts, lines and times stay "
        "for the books; name, address, e-mail address and the customer's words are gone.",
        forgotten,
        "delivered",
    ),
)
