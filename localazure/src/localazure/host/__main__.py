"""`python -m localazure.host`: runs the functions of one app until it is told to stop.

Exit codes: 0 stopped on demand, 1 the app or its settings cannot be used, 3 a port is taken.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from pathlib import Path

from localazure.child import PORT_TAKEN, announce_ready, follow_parent
from localazure.clock import SystemClock
from localazure.errors import ConfigError, PortTakenError
from localazure.host.app import load_app
from localazure.host.server import Host, HostOptions
from localazure.serving import stop_requested

DEFAULT_RPC_PORT = 17071
BAD_CONFIGURATION = 1


def main() -> None:
    follow_parent()
    arguments = _parser().parse_args()
    code, is_clean = asyncio.run(_serve(arguments))
    if not is_clean:
        # Threads of the app that never return would keep the interpreter alive for ever.
        logging.shutdown()
        sys.stdout.flush()
        os._exit(code)
    sys.exit(code)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m localazure.host", description="Run the functions of one app.")
    parser.add_argument("--app", type=Path, default=Path(), help="directory with host.json and function_app.py")
    parser.add_argument("--host", default="127.0.0.1", help="address of the public listener (default: %(default)s)")
    parser.add_argument("--port", type=int, help="public port, 0 for any (default: Host.LocalHttpPort, else 7071)")
    parser.add_argument(
        "--rpc-port",
        type=int,
        default=DEFAULT_RPC_PORT,
        help="port for durable clients, 0 for any (default: %(default)s)",
    )
    parser.add_argument("--state", type=Path, default=Path(".localazure"), help="directory for what survives a restart")
    parser.add_argument("--enable-auth", action="store_true", help="ask for function keys, as the cloud does")
    parser.add_argument("--grace", type=float, default=30.0, help="seconds that running functions get at the end")
    return parser


async def _serve(arguments: argparse.Namespace) -> tuple[int, bool]:
    """The exit code, and whether all threads of the app have ended."""
    stopped = stop_requested()
    state = arguments.state.resolve()
    try:
        app = load_app(arguments.app.resolve(), arguments.port)
        options = HostOptions(arguments.host, arguments.rpc_port, state, arguments.enable_auth, arguments.grace)
        host = Host(app, options, SystemClock())
        await host.start()
    except ConfigError as error:
        details = f"\n{error.details}" if error.details else ""
        print(f"{error}{details}", file=sys.stderr, flush=True)
        return (PORT_TAKEN if isinstance(error, PortTakenError) else BAD_CONFIGURATION), True
    announce_ready(url=host.url, rpc=host.rpc_url)
    await stopped.wait()
    is_clean = await host.stop()
    # What the app keeps for as long as the process lives (clients, sessions) nobody can close: no complaints of that.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL + 1)
    return 0, is_clean


if __name__ == "__main__":
    main()
