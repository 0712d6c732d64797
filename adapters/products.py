"""Products: container `catalog`, document `product` of each SKU's partition."""

from __future__ import annotations

from adapters.cosmos import Container, Operation, Versioned
from domain.catalogue import Product, Stock
from domain.errors import ConditionFailed, Conflict, NotFound, Transient

PRODUCT_ID = "product"
STOCK_ID = "stock"

_ATTEMPTS = 3

_catalog = Container("catalog")


async def get(tenant_id: str, sku: str) -> Versioned[Product]:
    """One product. Raises NotFound, Transient."""
    document = await _catalog.read(PRODUCT_ID, [tenant_id, sku])
    return Versioned(Product.model_validate(document), document["_etag"])


async def find(tenant_id: str, sku: str) -> Product | None:
    """One product, or None. Raises Transient."""
    try:
        return (await get(tenant_id, sku)).value
    except NotFound:
        return None


async def put(tenant_id: str, product: Product, if_match: str | None) -> bool:
    """Store a product; True when it is new, and then with nothing in stock.

    Raises ConditionFailed when `if_match` is given and is not the ETag of what is stored, Transient.
    """
    for _ in range(_ATTEMPTS):
        try:
            stored = await get(tenant_id, product.sku)
        except NotFound:
            stored = None
        if if_match and (stored is None or stored.etag != if_match):
            raise ConditionFailed(f"product {product.sku} is not the version that If-Match names")
        try:
            await (_replace(tenant_id, product, stored.etag) if stored else _add(tenant_id, product))
        except (Conflict, NotFound):
            continue
        return stored is None
    raise Transient(f"product {product.sku} keeps changing")


async def _add(tenant_id: str, product: Product) -> None:
    stock = Stock(sku=product.sku, on_hand=0, reserved=0)
    writes: list[Operation] = [
        ("create", ({"id": PRODUCT_ID, "kind": "product", "tenantId": tenant_id, **product.to_json()},)),
        ("create", ({"id": STOCK_ID, "kind": "stock", "tenantId": tenant_id, **stock.to_json()},)),
    ]
    await _catalog.batch([tenant_id, product.sku], writes)


async def _replace(tenant_id: str, product: Product, etag: str) -> None:
    await _catalog.replace({"id": PRODUCT_ID, "kind": "product", "tenantId": tenant_id, **product.to_json()}, etag)
