"""`PUT /v1/settings`."""

from __future__ import annotations

from adapters import tenants
from domain.errors import ConditionFailed
from domain.tenants import TenantSettings
from triggers.web.answers import Answer
from triggers.web.call import Call


async def put_settings(call: Call) -> Answer:
    """Replace the tenant's settings; orders under way keep those they began with."""
    wanted = call.body(TenantSettings)
    stored = await tenants.find(call.tenant_id)
    asked = call.header("if-match")
    if asked not in (None, "*") and (stored is None or stored.etag != asked):
        raise ConditionFailed("the settings are not in the version that the request wants to change")
    etag = await tenants.put(call.tenant_id, wanted, stored.etag if stored else None)
    return Answer(200, wanted.to_json(), {"ETag": etag})
