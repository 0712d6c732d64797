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


def product_condition(if_match: str | None, if_none_match: str | None) -> products.Condition:
    """What If-Match and If-None-Match ask of the stored product's ETag (None: there is no product).

    They name the shelf's ETags, of which the product's own part counts: stock that moves does not stand in the way of
    a change of price.
    """
    wanted, unwanted = _product_tags(if_match), _product_tags(if_none_match)

    def holds(etag: str | None) -> bool:
        if etag is None:
            return not wanted
        return (not wanted or bool(wanted & {"*", etag})) and not unwanted & {"*", etag}

    return holds


def _product_tags(header: str | None) -> set[str]:
    tags = {tag.strip() for tag in (header or "").split(",")} - {""}
    return {tag if tag == "*" else f"{tag.partition('.')[0].rstrip(_QUOTE)}{_QUOTE}" for tag in tags}
