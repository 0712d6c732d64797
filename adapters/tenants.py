"""Tenant settings: container `tenants`, one document per tenant; a tenant without one has the defaults."""

from __future__ import annotations

from functools import partial

from adapters.cosmos import AlreadyExists, Container, Versioned
from adapters.keeping import Kept
from domain.errors import ConditionFailed, Conflict, NotFound
from domain.shapes import JsonObject
from domain.tenants import TenantSettings

_ID = "settings"

_KEPT_S = 5

_tenants = Container("tenants")
_kept: Kept[TenantSettings] = Kept(_KEPT_S)


async def get(tenant_id: str) -> TenantSettings:
    """The tenant's settings, as they were within the last five seconds. Raises Transient."""
    return await _kept.get((tenant_id,), partial(_settings_of, tenant_id))


async def find(tenant_id: str) -> Versioned[TenantSettings] | None:
    """The tenant's settings as they are stored, or None. Raises Transient."""
    return await _find(tenant_id)


async def put(tenant_id: str, wanted: TenantSettings, etag: str | None) -> str:
    """Store settings: the first ones (`etag` None), or the successors of those that `etag` names. Returns their ETag.

    Raises ConditionFailed when they have changed since, Transient.
    """
    document: JsonObject = {"id": _ID, "tenantId": tenant_id, **wanted.to_json()}
    try:
        return await (_tenants.replace(document, etag) if etag else _tenants.create(document))
    except (AlreadyExists, Conflict, NotFound) as changed:
        raise ConditionFailed("the settings have changed meanwhile") from changed
    finally:
        _kept.forget(tenant_id)


async def _settings_of(tenant_id: str) -> TenantSettings:
    stored = await _find(tenant_id)
    return stored.value if stored else TenantSettings()


async def _find(tenant_id: str) -> Versioned[TenantSettings] | None:
    try:
        document = await _tenants.read(_ID, [tenant_id])
    except NotFound:
        return None
    return Versioned(_settings(document), document["_etag"])


def _settings(document: JsonObject) -> TenantSettings:
    known = {field.alias for field in TenantSettings.model_fields.values()}
    return TenantSettings.model_validate(
        {name: value for name, value in document.items() if name in known}, strict=False
    )
