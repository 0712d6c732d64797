"""Run once when the local system is ready: seeds the demo tenant and prints how to place the first order."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

import requests

from sandbox.client import Client, an_order

TENANT = "demo"
CATALOGUE = [
    ("TEA-500", "Tea, 500 g", 1250, "berlin", 40),
    ("MUG-01", "Mug, stoneware", 1800, "berlin", 12),
    ("POT-01", "Teapot", 4900, "hamburg", 1),
]
PLACES = [
    ("api", "API", ""),
    ("payments", "Payments", "/_sandbox/ledger"),
    ("mail", "Mail", "/"),
    ("cosmos", "Cosmos DB", ""),
    ("keyvault", "Key Vault", ""),
    ("issuer", "Issuer", ""),
]


def main() -> None:
    """Seed, then print addresses, a token and one order command that works as printed."""
    state = Path(os.environ.get("LOCALAZURE_STATE", ".localazure"))
    endpoints: dict[str, str] = json.loads((state / "endpoints.json").read_text())
    bearer = token(state, TENANT, "operator", "u-1")
    try:
        seed(Client(endpoints["api"], bearer))
    except requests.RequestException as error:
        raise SystemExit(f"The demo tenant could not be filled: {error}") from error
    print(welcome(endpoints, bearer))


def token(state: Path, tenant: str, role: str, subject: str) -> str:
    """A bearer token from the local issuer."""
    command = [sys.executable, "-m", "localazure", "token", "--state", str(state)]
    claims = ["--tenant", tenant, "--role", role, "--subject", subject]
    done = subprocess.run([*command, *claims], check=True, capture_output=True, text=True)  # noqa: S603  # our own command line
    return done.stdout.strip()


def seed(operator: Client) -> None:
    """The demo tenant's catalogue and stock; what exists already stays as it is."""
    for sku, name, amount_minor, warehouse, on_hand in CATALOGUE:
        if operator.get(f"/v1/products/{sku}").status_code == 404:
            product = {"name": name, "unitAmountMinor": amount_minor, "currency": "EUR", "warehouse": warehouse}
            operator.put(f"/v1/products/{sku}", product).raise_for_status()
            stock = {"delta": on_hand, "reason": "opening stock"}
            operator.post(f"/v1/products/{sku}/stock", stock, key=f"seed-{sku}").raise_for_status()


def welcome(endpoints: dict[str, str], bearer: str) -> str:
    """The text that ends the start of the system."""
    places = "\n".join(f"  {name:<10} {endpoints[key].rstrip('/')}{path}" for key, name, path in PLACES)
    return f"""
Waybill is ready. Ctrl-C stops it; the next start goes on where it stopped.

{places}

A bearer token (operator of tenant "{TENANT}", one hour; another: .venv/bin/localazure token --help):

{bearer}

Place an order (as it stands, in a second terminal):

{order_command(endpoints["api"], bearer)}

Then follow "statusQueryGetUri" or "order" of the answer with the same Authorization header.
"""


def order_command(api: str, bearer: str) -> str:
    """One curl that places an order."""
    body = json.dumps(an_order("TEA-500", quantity=2), separators=(",", ":"))
    return f"""curl -sS -X POST {api}/v1/orders \\
  -H "Authorization: Bearer {bearer}" \\
  -H "Idempotency-Key: order-{uuid.uuid4().hex[:8]}" \\
  -H "Content-Type: application/json" \\
  -d '{body}'"""


if __name__ == "__main__":
    main()
