"""`GET /msi/token?api-version=2019-08-01&resource=...` with the header X-IDENTITY-HEADER: a signed token in return.

The reply satisfies both clients of azure-identity: the sync one needs `expires_on`, the async one `resource`.
"""

from __future__ import annotations

import hmac
import uuid
from collections.abc import Callable
from typing import Any

from aiohttp import web

from localazure.clock import Clock
from localazure.keys import SigningKey

PATH = "/msi/token"
API_VERSION = "2019-08-01"
TENANT_ID = "10ca1a2e-0000-4000-8000-000000000000"
SYSTEM_CLIENT_ID = "10ca1a2e-0000-4000-8000-000000000001"
LIFETIME_S = 86_400
USER_ASSIGNED = ("client_id", "mi_res_id", "object_id")


def identity_app(key: SigningKey, header: str, clock: Clock) -> web.Application:
    """The endpoint as an aiohttp application; `header` is the secret that callers must show."""
    app = web.Application()
    app.router.add_get(PATH, _token_handler(key, header, clock))
    return app


def _token_handler(key: SigningKey, header: str, clock: Clock) -> Callable[[web.Request], Any]:
    async def handle(request: web.Request) -> web.Response:
        problem = _problem(request, header)
        if problem:
            status, message = problem
            return web.json_response({"statusCode": status, "message": message}, status=status)
        claims = _claims(request, int(clock.now().timestamp()))
        return web.json_response(
            {
                "access_token": key.sign(claims),
                "expires_on": str(claims["exp"]),
                "resource": claims["aud"],
                "token_type": "Bearer",
                "client_id": claims["appid"],
            }
        )

    return handle


def _problem(request: web.Request, header: str) -> tuple[int, str] | None:
    if not hmac.compare_digest(request.headers.get("X-IDENTITY-HEADER", "").encode(), header.encode()):
        return 401, "X-IDENTITY-HEADER is missing or differs from IDENTITY_HEADER of the running system."
    if request.query.get("api-version") != API_VERSION:
        return 400, f"api-version must be {API_VERSION}."
    if not request.query.get("resource"):
        return 400, "The parameter resource is missing."
    return None


def _claims(request: web.Request, now: int) -> dict[str, Any]:
    """The claims of the system-assigned identity, or of the user-assigned one that the request names."""
    chosen = next((request.query[name] for name in USER_ASSIGNED if name in request.query), SYSTEM_CLIENT_ID)
    object_id = str(uuid.uuid5(uuid.UUID(TENANT_ID), chosen))
    return {
        "aud": request.query["resource"],
        "iss": f"https://sts.windows.net/{TENANT_ID}/",
        "iat": now,
        "nbf": now,
        "exp": now + LIFETIME_S,
        "appid": chosen,
        "oid": object_id,
        "sub": object_id,
        "tid": TENANT_ID,
        "idtyp": "app",
        "ver": "1.0",
    }
