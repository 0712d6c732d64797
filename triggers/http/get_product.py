"""`GET /v1/products/{sku}`."""

from __future__ import annotations

from adapters import products
from triggers.web.answers import Answer, representation
from triggers.web.call import Call


async def get_product(call: Call) -> Answer:
    """Read one product."""
    product, etag = await products.get(call.tenant_id, call.identifier("sku"))
    return representation(product, etag, call.header("if-none-match"), cache="private, max-age=30")
