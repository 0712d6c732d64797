"""Where everything is: ports, the URLs they make, and the placeholders of localazure.toml that stand for them."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator, Mapping

from localazure.errors import ConfigError

HOST = "127.0.0.1"
STORAGE_ACCOUNT = "devstoreaccount1"
SERVICE_PORTS = {
    "api": 7071,
    "rpc": 17071,
    "cosmos": 8081,
    "identity": 8442,
    "keyvault": 8443,
    "issuer": 8444,
    "blob": 10000,
    "queue": 10001,
    "table": 10002,
}
"""Name of a port, as `--port` takes it, and its default."""

HOST_PORTS = ("api", "rpc")
"""Those that only the Functions host needs."""

# Below the range that systems hand to outgoing connections, so that a port is still free when its owner starts again.
FREE_PORTS = range(20_000, 32_000)
PORTS_PER_SERVER = 16

_PLACEHOLDER = re.compile(r"\{([A-Za-z][\w.-]*)\}")


def choose_ports(defaults: Mapping[str, int], chosen: Mapping[str, int], *, free: bool) -> dict[str, int]:
    """Each port as chosen, else its default; any free one for 0 or with `free`. ConfigError for an unknown name."""
    for name in chosen:
        if name not in defaults:
            raise ConfigError(f"--port {name}={chosen[name]}: no such port; there are {', '.join(sorted(defaults))}")
    ports = {name: chosen.get(name, 0 if free else default) for name, default in defaults.items()}
    found = _free_ports(taken=set(ports.values()))
    return {name: port or next(found) for name, port in ports.items()}


def _free_ports(taken: set[int]) -> Iterator[int]:
    """Servers that start at the same moment begin to look at different places."""
    offset = os.getpid() * PORTS_PER_SERVER
    for step in range(len(FREE_PORTS)):
        port = FREE_PORTS[(offset + step) % len(FREE_PORTS)]
        if port not in taken and is_free(port):
            yield port


def is_free(port: int) -> bool:
    """Whether a service could listen on the port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: closed connections do not count
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def refuse_busy_ports(ports: Mapping[str, int]) -> None:
    """ConfigError with a line for each port that another process has, or that was asked for twice."""
    lines = [
        f"Port {port} is taken: {name} needs it; choose another with --port {name}=PORT (0: any free port)."
        for name, port in ports.items()
        if not is_free(port)
    ]
    owner: dict[int, str] = {}
    for name, port in ports.items():
        if port in owner:
            lines.append(f"Port {port} is wanted by both {owner[port]} and {name}; change one with --port {name}=PORT.")
        owner[port] = name
    if lines:
        raise ConfigError("\n".join(lines))


def service_endpoints(ports: Mapping[str, int], route_prefix: str) -> dict[str, str]:
    """Name to URL, as endpoints.json tells it, for the parts of localazure itself."""
    at = {name: f"{HOST}:{port}" for name, port in ports.items()}
    storage = {name: f"http://{at[name]}/{STORAGE_ACCOUNT}" for name in ("blob", "queue", "table")}
    return {
        "api": f"http://{at['api']}/{route_prefix}".rstrip("/"),
        "host": f"http://{at['api']}",
        "cosmos": f"https://{at['cosmos']}/",
        "keyvault": f"https://{at['keyvault']}",
        "identity": f"http://{at['identity']}/msi/token",
        "issuer": f"https://{at['issuer']}",
        **storage,
    }


def companion_endpoints(name: str, facts: Mapping[str, object]) -> dict[str, str]:
    """A companion's `url` under its own name, its other addresses under theirs."""
    addresses = {fact: str(value) for fact, value in facts.items() if "://" in str(value)}
    return {name if fact == "url" else fact: address for fact, address in addresses.items()}


def expand(text: str, values: Mapping[str, str], *, where: str) -> str:
    """Replace `{name}` by its value.

    A name with a dot must be known: ConfigError, beginning with `where`, if it is not. A name without a dot that is
    not known stays as it is, because settings have templates of their own.
    """

    def value_of(match: re.Match[str]) -> str:
        name = match[1]
        if name in values:
            return values[name]
        if "." not in name:
            return match[0]
        known = ", ".join(sorted(key for key in values if "." in key))
        raise ConfigError(f"{where}: {{{name}}} is not known here; known are {known}")

    return _PLACEHOLDER.sub(value_of, text)
