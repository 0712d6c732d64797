"""Records the histories of the orchestrators that are about users: `.venv/bin/python -m tests.replay.record_users`.

As `record` does for orders: runs the whole system, plays the paths, stops it and reads the task hub.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from json import dumps
from pathlib import Path
from typing import Any

import requests
from localazure.testing import System

from domain import names
from sandbox.client import SHIP_TO, Client, an_order, expect
from sandbox.eventually import eventually
from tests.replay.record import APP, write

_TENANT = "replay"
_WITHIN_S = 180
_HOMES = ("Linden 2", "Linden 3")


def main() -> None:
    """Play the paths and write the histories of the instances that took part in them."""
    with tempfile.TemporaryDirectory() as folder:
        system = System(app=APP, state=Path(folder) / "state")
        with system:
            operator = Client(system.endpoints["api"], system.token(tenant=_TENANT, role="operator", subject="u-1"))
            instances = list(play(operator, system.endpoints["mail"]))
        write(instances, system)


def play(operator: Client, mail: str) -> Iterator[tuple[str, str]]:
    """Register, move and forget users; the paths and the instances' ids."""
    operator.stock_up("TEA", 200)
    for user_id in ("u-done", "u-busy"):
        instance_id = register(operator, user_id, f"{user_id}@example.com")
        verify(operator, mail, user_id)
    yield "verified", ended(operator, instance_id)
    yield "refused", ended(operator, register(operator, "u-late", "u-done@example.com"))
    version = move(operator, "u-done")
    yield "propagated", ended(operator, names.address_instance_id(_TENANT, "u-done", version))
    order_id = operator.place(an_order("TEA", customer="u-busy"))
    operator.order_in(order_id, "confirmed")
    version = move(operator, "u-busy")
    operator.happened(order_id, "address_changed")
    yield "between_sweeps", begun(operator, names.address_instance_id(_TENANT, "u-busy", version))
    for user_id in ("u-done", "u-busy"):
        expect(operator.call("DELETE", f"/v1/users/{user_id}"), 202)
    yield "done", ended(operator, names.erase_instance_id(_TENANT, "u-done"))
    yield "waiting_for_an_order", waiting(operator, names.erase_instance_id(_TENANT, "u-busy"))


def register(operator: Client, user_id: str, email: str) -> str:
    """Ask for a registration; the id of its instance, which only the task hub tells."""
    expect(operator.post("/v1/users", {"userId": user_id, "name": "Ada", "email": email}), 201, 409)
    hub = f"{operator.api.removesuffix('/api')}/runtime/webhooks/durabletask/instances"
    prefix = names.register_instance_id(_TENANT, user_id, "")
    [found] = requests.get(hub, params={"instanceIdPrefix": prefix}, timeout=10).json()
    return str(found["instanceId"])


def verify(operator: Client, mail: str, user_id: str) -> None:
    """Tell the code from the mail."""

    def mailed() -> list[str]:
        messages = requests.get(f"{mail}/messages", params={"to": f"{user_id}@example.com"}, timeout=10).json()
        return re.findall(rf"{_TENANT}\.[0-9A-Z]{{16}}", dumps(messages))

    [code] = eventually(mailed, within_s=_WITHIN_S, what=f"the code for {user_id}")
    answer = operator.post(f"/v1/users/{user_id}/verification", {"code": code})
    answer.raise_for_status()


def move(operator: Client, user_id: str) -> int:
    """Give the user an address, and another one; how often it has changed since registration."""
    for line1 in _HOMES:
        change: dict[str, Any] = {"address": {**SHIP_TO, "line1": line1}}
        expect(operator.call("PATCH", f"/v1/users/{user_id}", json=change, headers={"If-Match": "*"}), 200)
    return len(_HOMES)


def begun(operator: Client, instance_id: str) -> str:
    """The instance, once the change feed has started it; the order may have been caught up before."""
    status = f"/v1/workflows/{instance_id}"
    eventually(lambda: operator.get(status).ok, within_s=_WITHIN_S, what=f"the start of {instance_id}")
    return instance_id


def ended(operator: Client, instance_id: str) -> str:
    """The instance, once it has ended."""
    status = f"/v1/workflows/{instance_id}"
    eventually(lambda: operator.get(status).status_code == 200, within_s=_WITHIN_S, what=f"the end of {instance_id}")
    return instance_id


def waiting(operator: Client, instance_id: str) -> str:
    """The instance, once it waits for an order to end."""

    def probe() -> bool:
        shown = operator.get(f"/v1/workflows/{instance_id}").json().get("customStatus") or {}
        return bool(shown.get("left"))

    eventually(probe, within_s=_WITHIN_S, what=f"{instance_id} to wait")
    return instance_id


if __name__ == "__main__":
    main()
