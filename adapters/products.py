"""Products: container `catalog`, document `product` of each SKU's partition."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from adapters.cosmos import Container, Operation, Versioned
from adapters.keeping import Kept
from domain.catalogue import Product, Stock
from domain.errors import ConditionFailed, Conflict, NotFound, Transient

PRODUCT_ID = "product"
STOCK_ID = "stock"

Condition = Callable[[str | None], bool]

_ATTEMPTS = 3
_KEPT_S = 5

_catalog = Container("catalog")
_kept: Kept[Product | None] = Kept(_KEPT_S)


async def get(tenant_id: str, sku: str) -> Versioned[Product]:
    """One product. Raises NotFound, Transient."""
    try:
        document = await _catalog.read(PRODUCT_ID, [tenant_id, sku])
    except NotFound as error:
        raise NotFound(f"there is no product {sku}") from error
    return Versioned(Product.model_validate(document), document["_etag"])


async def offered(tenant_id: str, sku: str) -> Product | None:
    """One product as it was offered within the last five seconds, or None. Raises Transient."""
    return await _kept.get((tenant_id, sku), partial(_find, tenant_id, sku))


async def _find(tenant_id: str, sku: str) -> Product | None:
    try:
        return (await get(tenant_id, sku)).value
    except NotFound:
        return None


async def put(tenant_id: str, product: Product, condition: Condition) -> bool:
    """Store a product; True when it is new, and then with nothing in stock.

    Raises ConditionFailed when what is stored (None: nothing) does not meet the condition on its ETag, Transient.
    """
    for _ in range(_ATTEMPTS):
        try:
            stored = await get(tenant_id, product.sku)
        except NotFound:
            stored = None
        if not condition(stored.etag if stored else None):
            raise ConditionFailed(f"product {product.sku} is not in the version that the request wants to change")
        try:
            await (_replace(tenant_id, product, stored.etag) if stored else _add(tenant_id, product))
        except (Conflict, NotFound):
            continue
        finally:
            _kept.forget(tenant_id, product.sku)
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
