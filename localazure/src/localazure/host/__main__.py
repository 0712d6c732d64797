"""`python -m localazure.host`: runs the functions of one app until it is told to stop.

Exit codes: 0 stopped on demand, 1 the app or its settings cannot be used, 3 a port is taken. A restart, on demand or
because sources have changed, keeps the process id and the ports; an app that cannot be loaded then is waited for.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from localazure.child import PARENT_FD, PORT_TAKEN, READY_FD, announce_ready, follow_parent
from localazure.clock import SystemClock
from localazure.errors import ConfigError, PortTakenError
from localazure.host import collector
from localazure.host.app import load_app
from localazure.host.log_json import JsonFormatter
from localazure.host.logs import configure_logging
from localazure.host.reload import NOTHING_RUNS, OLD_CODE_RUNS, CheckCommand, Watch
from localazure.host.server import Host, HostOptions
from localazure.serving import stop_requested

log = logging.getLogger("localazure.host.main")  # whatever this module is run as

DEFAULT_RPC_PORT = 17071
BAD_CONFIGURATION = 1
SERVER_OF_HOST = "host.server"
"""Where a host that is in use writes the process id of the server that has started it."""
PATIENT = "--patient"
"""Added by a process that begins anew: from then on a mistake in the app is no reason to end."""


@dataclass(frozen=True)
class Ending:
    """How a host ended: whether all threads of the app have ended too, and with which words to begin anew, if so."""

    code: int
    is_clean: bool = True
    restart_words: tuple[str, ...] = ()


def main() -> None:
    environment, folder = dict(os.environ), Path.cwd()  # loading an app changes both
    follow_parent()
    arguments = _parser().parse_args()
    if arguments.check:
        sys.exit(_check(arguments))
    arguments.state = arguments.state.resolve()
    arguments.patient |= arguments.reload and PARENT_FD in environment and _is_repair(arguments.state)
    ending = asyncio.run(_serve(arguments, _check_command(environment, folder)))
    if ending.restart_words:
        _start_anew(environment, folder, ending.restart_words)
    if not ending.is_clean:
        # Threads of the app that never return would keep the interpreter alive for ever.
        logging.shutdown()
        sys.stdout.flush()
        os._exit(ending.code)
    sys.exit(ending.code)


def _is_repair(state: Path) -> bool:
    """Whether an earlier host of the same server was in use: then it was a later save that has broken the app."""
    file = state / SERVER_OF_HOST
    return file.exists() and file.read_text() == str(os.getppid())


def _start_anew(environment: Mapping[str, str], folder: Path, words: tuple[str, ...]) -> None:
    """Become a new process in place of this one: only that imports the app afresh."""
    logging.shutdown()
    sys.stdout.flush()
    os.chdir(folder)
    # Whoever waits for readiness was told already.
    kept = {name: value for name, value in environment.items() if name != READY_FD}
    os.execve(sys.executable, [sys.executable, *words], kept)  # noqa: S606  # this command again


def _words_of_restart(host: Host) -> tuple[str, ...]:
    """This command, to go on with the ports that it has; what an earlier restart has added is replaced."""
    added = (PATIENT, "--port", _port(host.url), "--rpc-port", _port(host.rpc_url))
    words = sys.orig_argv[1:]
    given = words[: -len(added)] if PATIENT in words[-len(added) :][:1] else words
    return (*given, *added)


def _check_command(environment: Mapping[str, str], folder: Path) -> CheckCommand:
    """This command, only to see whether the app can be loaded as it is now."""
    kept = {name: value for name, value in environment.items() if name not in {READY_FD, PARENT_FD}}
    return CheckCommand([sys.executable, *sys.orig_argv[1:], "--check"], kept, folder)


def _check(arguments: argparse.Namespace) -> int:
    try:
        load_app(arguments.app.resolve(), arguments.port, lambda _levels: logging.disable())
    except ConfigError as error:
        _tell(error, arguments)
        return BAD_CONFIGURATION
    return 0


def _tell(error: ConfigError, arguments: argparse.Namespace) -> None:
    text = f"{error}\n{error.details}" if error.details else str(error)
    if arguments.json and not arguments.check:
        log.critical(text)
    else:
        print(text, file=sys.stderr, flush=True)


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
    parser.add_argument("--reload", action="store_true", help="begin anew when a source of the app changes")
    parser.add_argument("--json", action="store_true", help="log one JSON object a line, and print no functions")
    parser.add_argument("--verbose", action="store_true", help="log what the host does at level Debug")
    parser.add_argument(PATIENT, action="store_true", help="wait for an app that cannot be loaded until it is mended")
    parser.add_argument("--check", action="store_true", help="only load the app, and say what is wrong: exit code 1")
    parser.add_argument("--grace", type=float, default=30.0, help="seconds that running functions get at the end")
    return parser


async def _serve(arguments: argparse.Namespace, check: CheckCommand) -> Ending:
    stopped = stop_requested()
    _set_up_logs(arguments, {})  # until host.json tells more
    is_watched = arguments.reload or arguments.patient
    watch = Watch(arguments.app.resolve(), check) if is_watched else None  # before the sources are read
    try:
        host = _made(arguments)
    except ConfigError as error:
        _tell(error, arguments)
        if watch is None or not arguments.patient:
            return Ending(BAD_CONFIGURATION)
        log.error("The app cannot be loaded: %s", NOTHING_RUNS)  # noqa: TRY400  # what is wrong was told
        announce_ready()  # else the server would take this for a host that hangs
        return await _once_mended(watch, stopped, Ending(0, restart_words=tuple(sys.orig_argv[1:])))
    try:
        await host.start()
    except ConfigError as error:
        _tell(error, arguments)
        return Ending(PORT_TAKEN if isinstance(error, PortTakenError) else BAD_CONFIGURATION)
    (arguments.state / SERVER_OF_HOST).write_text(str(os.getppid()))
    announce_ready(url=host.url, rpc=host.rpc_url)
    await _first_of(stopped.wait(), host.control.restart_requested.wait(), _reload(watch if arguments.reload else None))
    is_clean = await host.stop()
    # What the app keeps for as long as the process lives (clients, sessions) nobody can close: no complaints of that.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL + 1)
    if stopped.is_set():
        return Ending(0, is_clean)
    ending = Ending(0, is_clean, _words_of_restart(host))
    return await _once_mended(watch, stopped, ending) if watch and watch.sees_change else ending


def _made(arguments: argparse.Namespace) -> Host:
    """A host of the app as it is now. Raises ConfigError."""
    app = load_app(arguments.app.resolve(), arguments.port, partial(_set_up_logs, arguments))
    collector.settle()
    options = HostOptions(
        arguments.host,
        arguments.rpc_port,
        arguments.state,
        arguments.enable_auth,
        arguments.grace,
        show_functions=not arguments.json,
    )
    return Host(app, options, SystemClock())


async def _once_mended(watch: Watch, stopped: asyncio.Event, ending: Ending) -> Ending:
    """`ending` when the app can be loaded again; a stop may come first."""
    await _first_of(stopped.wait(), watch.loadable_change(NOTHING_RUNS))
    return Ending(0, ending.is_clean) if stopped.is_set() else ending


async def _reload(watch: Watch | None) -> None:
    """Wait until the app should be loaded anew, without a watch for ever."""
    if watch is None:
        await asyncio.Event().wait()
    else:
        await watch.loadable_change(OLD_CODE_RUNS)


def _set_up_logs(arguments: argparse.Namespace, levels: Mapping[str, Any]) -> None:
    configure_logging(levels, JsonFormatter() if arguments.json else None, is_verbose=arguments.verbose)


async def _first_of(*waits: Coroutine[Any, Any, object]) -> None:
    """Wait for one of them, and end the others."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    for task in done:
        task.result()


def _port(url: str) -> str:
    return str(urlsplit(url).port)


if __name__ == "__main__":
    main()
