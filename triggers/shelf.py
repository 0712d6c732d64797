"""A product and its stock as one representation, with one ETag."""

from __future__ import annotations

import asyncio

from adapters import products, stock
from domain.answers import ProductAnswer

_QUOTE = '"'


async def read_shelf(tenant_id: str, sku: str) -> tuple[ProductAnswer, str]:
    """What is sold under this SKU and how much of it there is, with the ETag of both. Raises NotFound, Transient."""
    product, on_shelf = await asyncio.gather(products.get(tenant_id, sku), stock.get(tenant_id, sku))
    tag = f"{product.etag.strip(_QUOTE)}.{on_shelf.etag.strip(_QUOTE)}"
    return ProductAnswer.of(product.value, on_shelf.value), f"{_QUOTE}{tag}{_QUOTE}"


def product_version(tag: str | None) -> str | None:
    """The product's own part of such an ETag: stock that moves does not stand in the way of a change of price."""
    return f"{_QUOTE}{tag.strip(_QUOTE).partition('.')[0]}{_QUOTE}" if tag else None
