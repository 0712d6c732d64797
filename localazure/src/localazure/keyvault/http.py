"""The vault's REST surface: the challenge, the routes and the shapes that azure-keyvault-secrets expects.

The SDK's first request carries neither token nor body: it only asks for the challenge, so authentication comes before
anything is read. Any `api-version` is accepted.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Middleware

from localazure.keys import TokenRefusedError, TokenVerifier
from localazure.keyvault.store import RECOVERABLE_DAYS, DeletedSecret, Properties, Secret, SecretStore, ServiceError

AUDIENCE = "https://vault.azure.net"
PAGE_SIZE = 25

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Route = Callable[[web.Request], dict[str, Any]]


def keyvault_app(store: SecretStore, verifier: TokenVerifier, tenant_id: str) -> web.Application:
    """The vault as an aiohttp application; `verifier` checks bearer tokens for AUDIENCE."""
    app = web.Application(middlewares=[_challenge(verifier, tenant_id), _render_errors])
    vault = _Vault(store)
    routes: list[tuple[str, str, Route]] = [
        ("GET", "/secrets", vault.list_current),
        ("PUT", "/secrets/{name}", vault.set),
        ("GET", "/secrets/{name}", vault.get),
        ("GET", "/secrets/{name}/", vault.get),
        ("DELETE", "/secrets/{name}", vault.delete),
        ("PATCH", "/secrets/{name}/", vault.update),
        ("GET", "/secrets/{name}/versions", vault.list_versions),
        ("GET", "/secrets/{name}/{version}", vault.get),
        ("PATCH", "/secrets/{name}/{version}", vault.update),
        ("GET", "/deletedsecrets", vault.list_deleted),
        ("GET", "/deletedsecrets/{name}", vault.get_deleted),
        ("POST", "/deletedsecrets/{name}/recover", vault.recover),
    ]
    for method, path, route in routes:
        app.router.add_route(method, path, _answer_json(route))
    app.router.add_delete("/deletedsecrets/{name}", vault.purge)
    return app


class _Vault:
    """One method per route: request in, JSON out."""

    def __init__(self, store: SecretStore) -> None:
        self._store = store

    def set(self, request: web.Request) -> dict[str, Any]:
        body = request["body"]
        if not isinstance(body.get("value"), str):
            raise ServiceError(400, "BadParameter", "Property value has invalid value.")
        secret = self._store.set(request.match_info["name"], body["value"], Properties(**_changes(body)))
        return _bundle(request, secret)

    def get(self, request: web.Request) -> dict[str, Any]:
        return _bundle(request, self._store.get(request.match_info["name"], request.match_info.get("version")))

    def update(self, request: web.Request) -> dict[str, Any]:
        name, version = request.match_info["name"], request.match_info.get("version")
        return _item(request, self._store.update(name, version, _changes(request["body"])))

    def delete(self, request: web.Request) -> dict[str, Any]:
        return _deleted(request, self._store.delete(request.match_info["name"]))

    def list_current(self, request: web.Request) -> dict[str, Any]:
        found = self._store.list_current(_after(request), _page_size(request) + 1)
        return _page(request, [(secret.name, _item(request, secret, with_version=False)) for secret in found])

    def list_versions(self, request: web.Request) -> dict[str, Any]:
        found = self._store.list_versions(request.match_info["name"], _after(request), _page_size(request) + 1)
        return _page(request, [(secret.version, _item(request, secret)) for secret in found])

    def list_deleted(self, request: web.Request) -> dict[str, Any]:
        found = self._store.list_deleted(_after(request), _page_size(request) + 1)
        return _page(request, [(item.secret.name, _deleted(request, item, with_version=False)) for item in found])

    def get_deleted(self, request: web.Request) -> dict[str, Any]:
        return _deleted(request, self._store.get_deleted(request.match_info["name"]))

    def recover(self, request: web.Request) -> dict[str, Any]:
        return _item(request, self._store.recover(request.match_info["name"]))

    async def purge(self, request: web.Request) -> web.Response:
        self._store.purge(request.match_info["name"])
        return web.Response(status=204)


def _answer_json(route: Route) -> Handler:
    async def handle(request: web.Request) -> web.Response:
        request["body"] = await _read_body(request)
        return web.json_response(route(request))

    return handle


async def _read_body(request: web.Request) -> dict[str, Any]:
    if not request.can_read_body:
        return {}
    try:
        body = json.loads(await request.read())
    except ValueError as error:
        raise ServiceError(400, "BadParameter", f"The body is not JSON: {error}.") from error
    if not isinstance(body, dict):
        raise ServiceError(400, "BadParameter", "The body must be a JSON object.")
    return body


def _challenge(verifier: TokenVerifier, tenant_id: str) -> Middleware:
    challenge = f'Bearer authorization="https://login.microsoftonline.com/{tenant_id}", resource="{AUDIENCE}"'

    @web.middleware
    async def check_token(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            verifier.verify(_bearer_token(request))
        except TokenRefusedError as error:
            answer = _error(ServiceError(401, "Unauthorized", str(error)))
            answer.headers["WWW-Authenticate"] = challenge
            return answer
        return await handler(request)

    return check_token


def _bearer_token(request: web.Request) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise TokenRefusedError("AKV10000: Request is missing a Bearer or PoP token.")
    return token


@web.middleware
async def _render_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except ServiceError as error:
        return _error(error)
    except web.HTTPException as error:  # no such route or method
        return _error(ServiceError(error.status, "BadParameter", f"{request.method} {request.path}: {error.reason}"))


def _error(error: ServiceError) -> web.Response:
    inner = {"innererror": {"code": error.inner_code}} if error.inner_code else {}
    body = {"error": {"code": error.code, "message": error.message, **inner}}
    return web.json_response(body, status=error.status)


def _changes(body: dict[str, Any]) -> dict[str, Any]:
    """The fields of Properties that a request names."""
    attributes = body.get("attributes") or {}
    sources = [
        (body, "contentType", "content_type", str),
        (body, "tags", "tags", dict),
        (attributes, "enabled", "enabled", bool),
        (attributes, "nbf", "not_before", int),
        (attributes, "exp", "expires", int),
    ]
    changes = {}
    for source, key, field, kind in sources:
        if source.get(key) is not None:
            if not isinstance(source[key], kind):
                raise ServiceError(400, "BadParameter", f"Property {key} has invalid value.")
            changes[field] = source[key]
    return changes


def _bundle(request: web.Request, secret: Secret) -> dict[str, Any]:
    return {"value": secret.value, **_item(request, secret)}


def _item(request: web.Request, secret: Secret, *, with_version: bool = True) -> dict[str, Any]:
    properties = secret.properties
    attributes = {
        "enabled": properties.enabled,
        "nbf": properties.not_before,
        "exp": properties.expires,
        "created": secret.created,
        "updated": secret.updated,
        "recoveryLevel": "Recoverable+Purgeable",
        "recoverableDays": RECOVERABLE_DAYS,
    }
    item = {
        "id": _url(request, "secrets", secret.name, *([secret.version] if with_version else [])),
        "contentType": properties.content_type,
        "attributes": {key: value for key, value in attributes.items() if value is not None},
        "tags": properties.tags,
    }
    return {key: value for key, value in item.items() if value is not None}


def _deleted(request: web.Request, deleted: DeletedSecret, *, with_version: bool = True) -> dict[str, Any]:
    return {
        "recoveryId": _url(request, "deletedsecrets", deleted.secret.name),
        "deletedDate": deleted.deleted_at,
        "scheduledPurgeDate": deleted.purge_at,
        **_item(request, deleted.secret, with_version=with_version),
    }


def _page(request: web.Request, found: Sequence[tuple[str, dict[str, Any]]]) -> dict[str, Any]:
    """`found` holds one more than the page, if there is more; each with the name that a next page begins behind."""
    size = _page_size(request)
    next_link = None
    if len(found) > size:
        query = {**request.query, "$skiptoken": found[size - 1][0]}
        next_link = str(request.url.with_scheme("https").with_query(query))
    return {"value": [item for _, item in found[:size]], "nextLink": next_link}


def _after(request: web.Request) -> str:
    return request.query.get("$skiptoken", "")


def _page_size(request: web.Request) -> int:
    try:
        size = int(request.query.get("maxresults", PAGE_SIZE))
    except ValueError:
        size = 0
    if not 1 <= size <= PAGE_SIZE:
        raise ServiceError(400, "BadParameter", f"maxresults must be a number from 1 to {PAGE_SIZE}.")
    return size


def _url(request: web.Request, *path: str) -> str:
    return "/".join([f"https://{request.host}", *path])
