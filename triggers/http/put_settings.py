"""`PUT /v1/settings`."""

from __future__ import annotations

from adapters import tenants
from domain.errors import ConditionFailed
from domain.tenants import TenantSettings
from triggers.web.answers import Answer
from triggers.web.call import Call
from triggers.web.conditions import if_match


async def put_settings(call: Call) -> Answer:
    """Replace the tenant's settings; orders under way keep those they began with."""
    wanted = call.body(TenantSettings)
    stored = await tenants.find(call.tenant_id)
    asked = call.header("if-match")
    if asked and not (stored and if_match(asked, stored.etag)):
        raise ConditionFailed("the settings are not in the version that the request wants to change")
    etag = await tenants.put(call.tenant_id, wanted, stored.etag if stored else None)
    return Answer(200, wanted.to_json(), {"ETag": etag})
