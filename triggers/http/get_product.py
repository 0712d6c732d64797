"""`GET /v1/products/{sku}`."""

from __future__ import annotations

from triggers.shelf import read_shelf
from triggers.web.answers import Answer, representation
from triggers.web.call import Call


async def get_product(call: Call) -> Answer:
    """Read one product and its stock."""
    shown, etag = await read_shelf(call.tenant_id, call.identifier("sku"))
    return representation(shown, etag, call.header("if-none-match"))
