"""`GET /v1/settings`."""

from __future__ import annotations

from adapters import tenants
from domain.tenants import TenantSettings
from triggers.web.answers import Answer, representation
from triggers.web.call import Call


async def get_settings(call: Call) -> Answer:
    """Read the tenant's settings; those that were never changed are the defaults."""
    stored = await tenants.find(call.tenant_id)
    if stored is None:
        return Answer(200, TenantSettings().to_json())
    return representation(stored.value.to_json(), stored.etag, call.header("if-none-match"))
