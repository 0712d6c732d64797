"""The local services that the app runs against, as processes beside the test; the app itself runs in the test."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp.connector
from localazure.clock import SystemClock
from localazure.issuer.tokens import USER_SCOPE, TokenRequest, issue_token
from localazure.keys import SigningKey

APP = Path(__file__).resolve().parents[1]
START_WITHIN_S = 60
TOKENS_LAST_S = 8 * 3600


@dataclass
class Services:
    """Cosmos DB, Key Vault, identity, issuer, storage, payments and mail: name → URL, and the app's settings."""

    state: Path
    endpoints: dict[str, str]
    settings: dict[str, str]
    _key: SigningKey = field(init=False)

    def __post_init__(self) -> None:
        self._key = SigningKey.load(self.state / "keys", "issuer")

    @property
    def authority(self) -> Path:
        """The certificate to trust."""
        return self.state / "tls/ca.pem"

    def token(self, tenant_id: str) -> str:
        """A bearer token of somebody who may do everything within a tenant."""
        request = TokenRequest(
            tenant=tenant_id,
            audience=self.settings["AUTH_AUDIENCE"],
            client_id="localazure",
            subject="u-1",
            roles=("operator", "approver", "carrier", "admin"),
            scopes=(USER_SCOPE,),
            lifetime_s=TOKENS_LAST_S,
        )
        return issue_token(request, issuer_url=self.endpoints["issuer"], key=self._key, clock=SystemClock())


@contextlib.contextmanager
def services(state: Path) -> Iterator[Services]:
    """Start everything but the Functions host on free ports; they end with the block."""
    ready_read, ready_write = os.pipe()
    parent_read, parent_write = os.pipe()
    descriptors = {"LOCALAZURE_READY_FD": str(ready_write), "LOCALAZURE_PARENT_FD": str(parent_read)}
    command = [sys.executable, "-m", "localazure", "start", "--services-only", "--free-ports"]
    with (state / "system.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--app", str(APP), "--state", str(state)],
            env=os.environ | descriptors, pass_fds=(ready_write, parent_read), stdout=log, stderr=subprocess.STDOUT,
        )  # fmt: skip
    os.close(ready_write)
    os.close(parent_read)
    try:
        facts = _first_words(ready_read)
        assert facts, (state / "system.log").read_text()
        settings = _told_by(state / "host.env")
        # aiohttp reads SSL_CERT_FILE once, when it is imported; a process that starts with it needs no help.
        aiohttp.connector._SSL_CONTEXT_VERIFIED.load_verify_locations(settings["SSL_CERT_FILE"])
        yield Services(state, json.loads(facts), settings)
    finally:
        os.close(ready_read)
        os.close(parent_write)  # tells the services to end
        process.wait(START_WITHIN_S)


def _first_words(fd: int) -> bytes:
    with selectors.DefaultSelector() as selector:
        selector.register(fd, selectors.EVENT_READ)
        return os.read(fd, 65536) if selector.select(START_WITHIN_S) else b""


def _told_by(file: Path) -> dict[str, str]:
    lines = (line.partition("=") for line in file.read_text().splitlines())
    return {name: shlex.split(value)[0] for name, _, value in lines}
