"""The process of the small services: managed identity (http), Key Vault and the OpenID issuer (both over TLS).

They share a process because each is idle most of the time; they share no code but the signing keys.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import ssl
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from aiohttp import web

from localazure.child import PORT_TAKEN, announce_ready, follow_parent
from localazure.clock import SystemClock
from localazure.endpoints import HOST
from localazure.errors import PortTakenError
from localazure.identity import http as identity
from localazure.issuer import http as issuer
from localazure.keys import SigningKey, TokenVerifier, identity_header, publish_identity_keys
from localazure.keyvault import http as keyvault
from localazure.keyvault.store import SecretStore
from localazure.serving import close, listen, stop_requested
from localazure.state import StateFolder
from localazure.tls import ensure_tls

SHUTDOWN_S = 2.0

log = logging.getLogger("localazure.services")


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    options = _read_options(arguments)
    follow_parent()
    try:
        asyncio.run(_serve(options))
    except PortTakenError as error:
        print(error, file=sys.stderr)
        sys.exit(PORT_TAKEN)


def _read_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m localazure.services", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="folder of keys, certificates and secrets")
    for name in ("identity", "keyvault", "issuer"):
        parser.add_argument(f"--{name}-port", type=int, default=0, help="0 (the default) takes any free port")
    return parser.parse_args(arguments)


async def _serve(options: argparse.Namespace) -> None:
    stopped = stop_requested()
    state = StateFolder(options.state)
    clock = SystemClock()
    tls = ensure_tls(state.tls, now=clock.now()).server_context()
    identity_key, issuer_key = SigningKey.load(state.keys, "identity"), SigningKey.load(state.keys, "issuer")
    publish_identity_keys(state.keys)
    verifier = TokenVerifier(identity_key.jwks(), keyvault.AUDIENCE, clock)
    async with AsyncExitStack() as stack:
        store = stack.enter_context(SecretStore(state.keyvault, clock))
        apps = {
            "identity": (identity.identity_app(identity_key, identity_header(state.keys), clock), None),
            "keyvault": (keyvault.keyvault_app(store, verifier, identity.TENANT_ID), tls),
            "issuer": (issuer.issuer_app(issuer_key, clock), tls),
        }
        urls = {
            name: await stack.enter_async_context(_listening(name, app, getattr(options, f"{name}_port"), context))
            for name, (app, context) in apps.items()
        }
        announce_ready(**{**urls, "identity": urls["identity"] + identity.PATH})
        log.info("serving %s", urls)
        await stopped.wait()


@asynccontextmanager
async def _listening(name: str, app: web.Application, port: int, tls: ssl.SSLContext | None) -> AsyncIterator[str]:
    """Serve `app` while the context lasts; gives its URL. Raises PortTakenError."""
    runner = web.AppRunner(app, shutdown_timeout=SHUTDOWN_S)
    await runner.setup()
    try:
        taken = await listen(runner, HOST, port, option=f"--{name}-port", tls=tls)
        yield f"{'https' if tls else 'http'}://{HOST}:{taken}"
    finally:
        await close(runner)


if __name__ == "__main__":
    main()
