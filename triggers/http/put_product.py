"""`PUT /v1/products/{sku}`."""

from __future__ import annotations

from datetime import UTC, datetime

from adapters import products
from domain.catalogue import Product, PutProduct
from triggers.shelf import product_condition, read_shelf
from triggers.web.answers import Answer
from triggers.web.call import Call


async def put_product(call: Call) -> Answer:
    """Store a product; a new one has nothing in stock yet."""
    sku = call.identifier("sku")
    request = call.body(PutProduct)
    product = Product(sku=sku, updated_at=datetime.now(UTC), **request.model_dump())
    is_new = await products.put(
        call.tenant_id, product, product_condition(call.header("if-match"), call.header("if-none-match"))
    )
    shown, etag = await read_shelf(call.tenant_id, sku)
    return Answer(201 if is_new else 200, shown, {"ETag": etag, "Location": f"{call.api_url}/v1/products/{sku}"})
