"""Discovery, keys and the token endpoint, for any tenant named in the path.

Two grants: `client_credentials` with any id and secret (this issuer knows no applications), and, for user tokens, one
of our own that needs no password:

    POST /{tenant}/oauth2/v2.0/token
    grant_type=urn:localazure:developer  subject=u-1  scope=api://app/access_as_user  roles=operator customer

`roles` (words) and `lifetime` (seconds, may be negative) are accepted by both grants.
"""

from __future__ import annotations

from aiohttp import BasicAuth, web

from localazure.clock import Clock
from localazure.issuer.tokens import LIFETIME_S, USER_SCOPE, TokenRequest, issue_token, issuer_of
from localazure.keys import SigningKey

CLIENT_CREDENTIALS = "client_credentials"
DEVELOPER = "urn:localazure:developer"
MULTI_TENANT = {"common", "organizations", "consumers"}
DEFAULT_SCOPE = ".default"


class GrantRefusedError(Exception):
    """A token request that cannot be answered: OAuth error code and text."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(description)
        self.code = code


def issuer_app(key: SigningKey, clock: Clock) -> web.Application:
    """The issuer as an aiohttp application; its URL is the one that it is asked by."""
    issuer = _Issuer(key, clock)
    app = web.Application()
    app.router.add_get("/{tenant}/v2.0/.well-known/openid-configuration", issuer.discovery)
    app.router.add_get("/{tenant}/discovery/v2.0/keys", issuer.keys)
    app.router.add_post("/{tenant}/oauth2/v2.0/token", issuer.token)
    return app


class _Issuer:
    def __init__(self, key: SigningKey, clock: Clock) -> None:
        self._key = key
        self._clock = clock

    async def discovery(self, request: web.Request) -> web.Response:
        tenant, base = request.match_info["tenant"], _base_url(request)
        named = "{tenantid}" if tenant in MULTI_TENANT else tenant  # a template, as Entra answers for `common`
        return web.json_response(
            {
                "issuer": issuer_of(base, named),
                "token_endpoint": f"{base}/{tenant}/oauth2/v2.0/token",
                "authorization_endpoint": f"{base}/{tenant}/oauth2/v2.0/authorize",
                "jwks_uri": f"{base}/{tenant}/discovery/v2.0/keys",
                "grant_types_supported": [CLIENT_CREDENTIALS, DEVELOPER],
                "response_types_supported": ["token"],
                "subject_types_supported": ["pairwise"],
                "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
                "id_token_signing_alg_values_supported": ["RS256"],
            }
        )

    async def keys(self, _: web.Request) -> web.Response:
        return web.json_response(self._key.jwks())

    async def token(self, request: web.Request) -> web.Response:
        try:
            wanted = _read_grant(request.match_info["tenant"], await _form(request))
        except GrantRefusedError as error:
            body = {"error": error.code, "error_description": str(error), "error_codes": []}
            return web.json_response(body, status=400)
        token = issue_token(wanted, issuer_url=_base_url(request), key=self._key, clock=self._clock)
        answer = {"token_type": "Bearer", "expires_in": wanted.lifetime_s, "access_token": token}
        return web.json_response(answer, headers={"Cache-Control": "no-store"})


async def _form(request: web.Request) -> dict[str, str]:
    """The form's fields, with client id and secret from Basic authentication if they came that way."""
    fields = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
    authorization = request.headers.get("Authorization", "")
    if authorization.lower().startswith("basic "):
        try:
            login = BasicAuth.decode(authorization)
        except ValueError as error:
            raise GrantRefusedError("invalid_client", str(error)) from error
        fields |= {"client_id": login.login, "client_secret": login.password}
    return fields


def _read_grant(tenant: str, form: dict[str, str]) -> TokenRequest:
    grant = form.get("grant_type")
    if tenant in MULTI_TENANT:
        raise GrantRefusedError("invalid_request", f"A token needs a tenant in the path, not {tenant!r}.")
    audience, scopes = _read_scope(_required(form, "scope"))
    lifetime_s, roles = _read_lifetime(form), form.get("roles", "").split()
    if grant == CLIENT_CREDENTIALS:
        client_id = _required(form, "client_id")
        _required(form, "client_secret")
        return TokenRequest(tenant, audience, client_id, subject=client_id, roles=roles, lifetime_s=lifetime_s)
    if grant == DEVELOPER:
        subject, client_id = _required(form, "subject"), form.get("client_id", "developer")
        return TokenRequest(tenant, audience, client_id, subject, roles, scopes, lifetime_s)
    raise GrantRefusedError(
        "unsupported_grant_type", f"grant_type must be {CLIENT_CREDENTIALS} or {DEVELOPER}, not {grant}."
    )


def _required(form: dict[str, str], name: str) -> str:
    if not form.get(name):
        raise GrantRefusedError("invalid_request", f"The request body must contain the parameter {name}.")
    return form[name]


def _read_scope(scope: str) -> tuple[str, list[str]]:
    """`api://app/.default` or `api://app/read api://app/write` as audience and scope names."""
    words = scope.split()
    audience, _, first = words[0].rpartition("/")
    if not audience:
        raise GrantRefusedError(
            "invalid_scope", f"The scope {scope} names no resource; an example is api://app/{DEFAULT_SCOPE}."
        )
    names = [first, *(word.rpartition("/")[2] for word in words[1:])]
    return audience, [USER_SCOPE if name == DEFAULT_SCOPE else name for name in names]


def _read_lifetime(form: dict[str, str]) -> int:
    try:
        return int(form.get("lifetime", LIFETIME_S))
    except ValueError:
        raise GrantRefusedError("invalid_request", "lifetime must be a number of seconds.") from None


def _base_url(request: web.Request) -> str:
    return f"{request.scheme}://{request.host}"
