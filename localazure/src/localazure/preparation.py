"""What a start does before its first process: choose ports, make keys and certificates, seed the secrets."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from localazure.azurite import connection_string
from localazure.child import PARENT_FD, READY_FD
from localazure.clock import Clock
from localazure.config import Config
from localazure.console import Console
from localazure.cosmos.options import EMULATOR_KEY
from localazure.endpoints import HOST_PORTS, choose_ports, refuse_busy_ports, service_endpoints
from localazure.keys import SigningKey, identity_header, publish_identity_keys
from localazure.provision import seed_secrets
from localazure.state import StateFolder
from localazure.tls import TlsFiles, ensure_tls

SETTINGS = "local.settings.json"
SAMPLE = "local.settings.sample.json"
TRUST_VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")


@dataclass(frozen=True)
class Options:
    """What the command line says about a start."""

    ports: Mapping[str, int]
    free_ports: bool = False
    services_only: bool = False
    enable_auth: bool = False
    reload: bool = True
    verbose: bool = False
    json: bool = False


@dataclass(frozen=True)
class Prepared:
    """All that is known before the first process starts.

    `values` are the placeholders of localazure.toml, `environment` is what every process gets.
    """

    ports: Mapping[str, int]
    tls: TlsFiles
    endpoints: Mapping[str, str]
    values: Mapping[str, str]
    environment: Mapping[str, str]


def make_settings_file(app: Path, console: Console) -> None:
    """The app's own settings from its sample, on the first start."""
    if not (app / SETTINGS).exists() and (app / SAMPLE).exists():
        shutil.copyfile(app / SAMPLE, app / SETTINGS)
        console.say(f"Made {SETTINGS} from {SAMPLE}.")


def prepare(
    config: Config, state: StateFolder, options: Options, inherited: Mapping[str, str], clock: Clock
) -> Prepared:
    """Everything a process may need to exist. ConfigError for a busy port, an unknown one or a bad secret."""
    ports = choose_ports(config.default_ports, options.ports, free=options.free_ports)
    needed = {name: port for name, port in ports.items() if not (options.services_only and name in HOST_PORTS)}
    refuse_busy_ports(needed)
    bundles = [Path(inherited[name]) for name in TRUST_VARIABLES if inherited.get(name)]
    tls = ensure_tls(state.tls, now=clock.now(), trusted=bundles)
    publish_identity_keys(state.keys)
    SigningKey.load(state.keys, "issuer")
    secrets = seed_secrets(state.keyvault, config.secrets, clock)
    endpoints = service_endpoints(ports, config.route_prefix)
    values = {
        **_constants(config, state, tls),
        **_addresses(ports, endpoints),
        **{f"secrets.{name}": value for name, value in secrets.items()},
    }
    return Prepared(ports, tls, endpoints, values, _environment(state, tls, inherited))


def _constants(config: Config, state: StateFolder, tls: TlsFiles) -> dict[str, str]:
    return {
        "python": sys.executable,
        "app": str(config.app),
        "state": str(state.path),
        "cosmos.key": EMULATOR_KEY,
        "identity.header": identity_header(state.keys),
        "tls.bundle": str(tls.bundle),
    }


def _addresses(ports: Mapping[str, int], endpoints: Mapping[str, str]) -> dict[str, str]:
    return {
        **{f"{name}.url": url for name, url in endpoints.items()},
        **{f"{name}.port": str(port) for name, port in ports.items()},
        "cosmos.connection_string": f"AccountEndpoint={endpoints['cosmos']};AccountKey={EMULATOR_KEY};",
        "storage.connection_string": connection_string(endpoints),
    }


def _environment(state: StateFolder, tls: TlsFiles, inherited: Mapping[str, str]) -> dict[str, str]:
    own = {name: value for name, value in inherited.items() if name not in {READY_FD, PARENT_FD}}
    return {
        **own,
        **dict.fromkeys(TRUST_VARIABLES, str(tls.bundle)),
        "LOCALAZURE_STATE": str(state.path),
        "LOCALAZURE_ENDPOINTS": str(state.endpoints_file),
    }
