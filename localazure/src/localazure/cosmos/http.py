"""The listener: HTTP requests in, replies out, errors rendered in this one place.

Every reply is one complete body with its length, so that head and body leave in one write; several small writes would
cost 40 ms each where Nagle's algorithm meets delayed acknowledgements. Nothing is compressed and nothing is logged to
a slow sink on the way.
"""

from __future__ import annotations

import logging
import ssl
import uuid
from collections import deque
from collections.abc import Mapping
from ipaddress import ip_address
from types import MappingProxyType
from typing import Any, Final

from aiohttp import web
from aiohttp.web_runner import ServerRunner

from localazure.cosmos import charges
from localazure.cosmos.account import Account
from localazure.cosmos.addressing import Address, parse_address
from localazure.cosmos.api.admin import Admin
from localazure.cosmos.auth import Authenticator, BearerTokens
from localazure.cosmos.dispatch import dispatch
from localazure.cosmos.errors import CODES, ServiceError, TooLarge, Unauthorized
from localazure.cosmos.faults import Action
from localazure.cosmos.jsontext import dump
from localazure.cosmos.messages import Call, Reply
from localazure.cosmos.query import QueryError
from localazure.serving import close, listen

MAX_BODY_BYTES: Final = 16 * 1024 * 1024
MAX_HEADER_BYTES: Final = 64 * 1024
REQUESTS_KEPT: Final = 1000
ADMIN_PATH: Final = "/_emulator"
JSON: Final = "application/json"
NO_DETAILS: Final[Mapping[str, str]] = MappingProxyType({})

_log = logging.getLogger(__name__)


class CosmosServer:
    """Serves an account on one port."""

    def __init__(self, account: Account, *, tls: ssl.SSLContext | None = None) -> None:
        self._account = account
        self._tls = tls
        self._scheme = "https" if tls else "http"
        options = account.options
        tokens = BearerTokens(options.aad_jwks, account.clock)
        self._authenticator = Authenticator(options.key, tokens) if options.authenticate else None
        self._requests: deque[Mapping[str, Any]] = deque(maxlen=REQUESTS_KEPT)
        self._admin = Admin(account, self._requests) if options.admin else None
        self._runner: ServerRunner | None = None

    async def start(self, host: str, port: int) -> str:
        """Listen; returns the base URL with the real port. Raises PortTakenError."""
        server = web.Server(
            self._handle, access_log=None, max_field_size=MAX_HEADER_BYTES, max_line_size=MAX_HEADER_BYTES
        )
        self._runner = ServerRunner(server, shutdown_timeout=2)
        await self._runner.setup()
        taken = await listen(self._runner, host, port, option="--port", tls=self._tls)
        self._account.start()
        return f"{self._scheme}://{host}:{taken}"

    async def stop(self) -> None:
        """Finish the requests that are under way, then close the account."""
        if self._runner:
            await close(self._runner)
        await self._account.close()

    async def _handle(self, request: web.BaseRequest) -> web.Response:
        activity = request.headers.get("x-ms-activity-id") or str(uuid.uuid4())
        path = request.raw_path.partition("?")[0]
        try:
            reply = await self._answer(request, path)
        except (ServiceError, QueryError) as error:
            reply = _refusal(error, activity)
        except Exception:  # noqa: BLE001  # the outermost frame: the client gets a 500, the log gets the cause
            _log.exception("action=%s path=%s failed", request.method, path)
            reply = _problem(500, "The server failed; its log says why.", activity)
        if not path.startswith(ADMIN_PATH):
            self._remember(request.method, path, reply)
        reply.headers["x-ms-activity-id"] = activity
        reply.headers["x-ms-request-charge"] = charges.as_header(reply.charge)
        body = reply.text.encode()
        return web.Response(status=reply.status, body=body, headers=reply.headers, content_type=JSON if body else None)

    async def _answer(self, request: web.BaseRequest, path: str) -> Reply:
        body = await _read_body(request)
        if self._admin and path.startswith(f"{ADMIN_PATH}/") and _is_local(request):
            return self._admin.answer(request.method, path, request.query, body)
        address = parse_address(path)
        action = self._authenticated(request, path, address)
        call = Call(request.method, address, request.headers, body, f"{self._scheme}://{request.host}")
        if action is None:
            return await dispatch(self._account, call)
        return await self._faulty(request, call, action)

    def _authenticated(self, request: web.BaseRequest, path: str, address: Address) -> Action | None:
        """Check who calls; returns the fault that the request meets. The account read meets its faults before."""
        if address.segments:
            self._check(request, address)
        action = self._account.faults.meet(request.method, path, address, request.headers)
        if not address.segments and action is None:
            self._check(request, address)
        return action

    def _check(self, request: web.BaseRequest, address: Address) -> None:
        if self._authenticator:
            self._authenticator.check(request.method, address, request.headers)

    async def _faulty(self, request: web.BaseRequest, call: Call, action: Action) -> Reply:
        await self._account.faults.hold_up(action)
        reply = Reply()
        if not action.status and action.drop != "before":
            reply = await dispatch(self._account, call)
        if action.drop != "none" and request.transport:
            request.transport.abort()
        if action.status:
            reply = _problem(action.status, "This fault was asked for.", "", action.substatus)
            reply.headers |= action.headers
        return reply

    def _remember(self, method: str, path: str, reply: Reply) -> None:
        substatus = int(reply.headers.get("x-ms-substatus", "0"))
        self._requests.append(
            {"method": method, "path": path, "status": reply.status, "subStatus": substatus, "charge": reply.charge}
        )


def _is_local(request: web.BaseRequest) -> bool:
    """Whether the request comes from this machine. Administration knows no authentication."""
    return ip_address(request.remote or "0.0.0.0").is_loopback  # noqa: S104  # stands for an unknown peer


async def _read_body(request: web.BaseRequest) -> bytes:
    if not request.body_exists:
        return b""
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise TooLarge(f"The request has more than {MAX_BODY_BYTES} bytes.")
    return bytes(body)


def _refusal(error: ServiceError | QueryError, activity: str) -> Reply:
    if isinstance(error, QueryError):
        return _reply(400, error.to_message(), activity)
    reply = _problem(error.status, error.message, activity, error.substatus, error.details)
    reply.headers |= error.headers
    if isinstance(error, Unauthorized):
        reply.headers["www-authenticate"] = 'Bearer error="invalid_token"'
    return reply


def _problem(
    status: int, message: str, activity: str, substatus: int = 0, details: Mapping[str, str] = NO_DETAILS
) -> Reply:
    reply = _reply(status, f"Message: {dump({'Errors': [message]})}", activity, details)
    if substatus:
        reply.headers["x-ms-substatus"] = str(substatus)
    return reply


def _reply(status: int, message: str, activity: str, details: Mapping[str, str] = NO_DETAILS) -> Reply:
    code = CODES.get(status, "Error")
    return Reply(status, dump({"code": code, "message": f"{message}\r\nActivityId: {activity}, ", **details}))
