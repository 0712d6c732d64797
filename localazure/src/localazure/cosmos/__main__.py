"""Serve a Cosmos DB account from a file: `python -m localazure.cosmos --port 8081 --data cosmos.sqlite`."""

from __future__ import annotations

import argparse
import asyncio
import logging
import ssl
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from localazure.child import PORT_TAKEN, announce_ready, follow_parent
from localazure.clock import SystemClock
from localazure.cosmos.account import Account
from localazure.cosmos.http import CosmosServer
from localazure.cosmos.options import CONSISTENCY_LEVELS, EMULATOR_KEY, Options
from localazure.cosmos.throughput import MAX_RANGES
from localazure.errors import ConfigError, PortTakenError
from localazure.serving import stop_requested
from localazure.tls import ensure_tls

QUERY_MODE_HELP = "strict leaves merging the results of several partitions to clients, as the service does"
SWITCH_INTERVAL_S = 0.0005  # a query in a thread must not keep the event loop waiting for its turn
BAD_CONFIGURATION = 2


def main() -> int:
    """Serve until SIGTERM or SIGINT. Exit codes: 0 stopped, 2 bad configuration, 3 port taken."""
    follow_parent()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    arguments = _parser().parse_args()
    try:
        return asyncio.run(_serve(arguments))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return PORT_TAKEN if isinstance(error, PortTakenError) else BAD_CONFIGURATION


async def _serve(arguments: argparse.Namespace) -> int:
    server = CosmosServer(Account(_options(arguments), SystemClock()), tls=_tls(arguments))
    stopped = stop_requested()
    try:
        url = await server.start(arguments.host, arguments.port)
        logging.getLogger(__name__).info("action=serve url=%s data=%s", url, arguments.data)
        announce_ready(url=url)
        await stopped.wait()
    finally:
        await server.stop()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m localazure.cosmos", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8081, help="port to listen on; 0 takes any free one")
    parser.add_argument("--data", default=":memory:", help="data file; without it nothing outlives the process")
    parser.add_argument("--key", default=EMULATOR_KEY, help="account key, base64; default: the published emulator key")
    parser.add_argument("--no-auth", action="store_true", help="accept every request")
    parser.add_argument("--aad-jwks", type=Path, help="JWKS file to verify bearer tokens with; without it any will do")
    parser.add_argument("--tls", action="store_true", help="speak TLS on the port")
    parser.add_argument("--cert", type=Path, help="certificate chain (PEM) for --tls; default: a self-made one")
    parser.add_argument("--cert-key", type=Path, help="private key (PEM) for --tls")
    parser.add_argument("--advertise", default="", help="URL that clients are told to use; default: the one they used")
    parser.add_argument("--consistency", choices=CONSISTENCY_LEVELS, default="Session", help="account default")
    parser.add_argument("--partitions", type=int, default=1, help="physical partitions of new containers")
    parser.add_argument("--query-mode", choices=("permissive", "strict"), default="permissive", help=QUERY_MODE_HELP)
    parser.add_argument("--check-session", action="store_true", help="refuse session tokens ahead of the data")
    parser.add_argument("--change-log", choices=("on", "off"), default="on", help="keep every version for its feed")
    parser.add_argument("--change-log-retention", type=int, metavar="SECONDS", help="how long; default: for ever")
    parser.add_argument("--throttle", action="store_true", help="answer 429 beyond each offer's throughput")
    parser.add_argument(
        "--ru", type=int, default=0, help="throttle every container to so many request units per second"
    )
    parser.add_argument("--durability", choices=("normal", "full"), default="normal", help="full survives power loss")
    parser.add_argument("--no-admin", action="store_true", help="do not serve /_emulator")
    return parser


def _options(arguments: argparse.Namespace) -> Options:
    if not 1 <= arguments.partitions <= MAX_RANGES or arguments.ru < 0:
        raise ConfigError(f"--partitions must be 1 to {MAX_RANGES} and --ru at least 0")
    return Options(
        data=None if arguments.data == ":memory:" else Path(arguments.data),
        key=arguments.key,
        authenticate=not arguments.no_auth,
        aad_jwks=arguments.aad_jwks,
        advertise=arguments.advertise,
        consistency=arguments.consistency,
        partitions=arguments.partitions,
        strict_queries=arguments.query_mode == "strict",
        check_session=arguments.check_session,
        change_log=arguments.change_log == "on",
        change_log_retention_s=arguments.change_log_retention,
        throttle=arguments.throttle,
        ru_per_s=arguments.ru,
        full_durability=arguments.durability == "full",
        admin=not arguments.no_admin,
    )


def _tls(arguments: argparse.Namespace) -> ssl.SSLContext | None:
    if not arguments.tls:
        return None
    if not arguments.cert and not arguments.cert_key:
        return _self_made_tls(arguments.data)
    if not arguments.cert or not arguments.cert_key:
        raise ConfigError("--cert and --cert-key go together")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(arguments.cert, arguments.cert_key)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"--cert {arguments.cert} and --cert-key {arguments.cert_key}: {error}") from error
    return context


def _self_made_tls(data: str) -> ssl.SSLContext:
    """A certificate for this machine, kept next to the data. Clients do not check those of localhost."""
    now = SystemClock().now()
    if data != ":memory:":
        return ensure_tls(Path(data).with_suffix(".tls"), now=now).server_context()
    with TemporaryDirectory(prefix="cosmos-tls-") as folder:
        return ensure_tls(Path(folder), now=now).server_context()


if __name__ == "__main__":
    sys.exit(main())
