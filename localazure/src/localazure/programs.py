"""Which programs make up the running system: their commands and environments."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from localazure.azurite import azurite_command
from localazure.config import FILE, Companion, Config
from localazure.endpoints import HOST, expand
from localazure.keys import IDENTITY_JWKS
from localazure.preparation import Options, Prepared
from localazure.processes import Program
from localazure.state import StateFolder

# -P: the folder of the app must not shadow modules of ours.
PYTHON = (sys.executable, "-P", "-m")
HOST_FLAGS = ("enable-auth", "reload", "verbose", "json")
"""Options of `localazure start` that the host has as well."""


def azurite(config: Config, state: StateFolder, prepared: Prepared) -> Program:
    """Node knows nothing of our pipes, so the guard holds them."""
    watched = [word for name in ("blob", "queue", "table") for word in ("--port", f"{name}={prepared.ports[name]}")]
    command = azurite_command(config.app, state.azurite, prepared.ports)
    guarded = [*PYTHON, "localazure.guard", *watched, "--", *command]
    return Program("azurite", guarded, prepared.environment, state.path)


def cosmos(state: StateFolder, prepared: Prepared) -> Program:
    """The Cosmos DB emulator; it checks the tokens of the identity endpoint."""
    command = [
        *(*PYTHON, "localazure.cosmos", "--host", HOST, "--port", str(prepared.ports["cosmos"])),
        *("--data", str(state.cosmos), "--aad-jwks", str(state.keys / IDENTITY_JWKS)),
        *("--tls", "--cert", str(prepared.tls.certificate), "--cert-key", str(prepared.tls.key)),
    ]
    return Program("cosmos", command, prepared.environment, state.path)


def services(state: StateFolder, prepared: Prepared) -> Program:
    """Managed identity, Key Vault and issuer."""
    names = ("identity", "keyvault", "issuer")
    listening = [word for name in names for word in (f"--{name}-port", str(prepared.ports[name]))]
    command = [*PYTHON, "localazure.services", "--state", str(state.path), *listening]
    return Program("services", command, prepared.environment, state.path)


def companion(config: Config, described: Companion, prepared: Prepared) -> Program:
    """A program of the app's own; in its command and environment, `{port}` and `{ports.name}` are its own."""
    where = f"{FILE}: [[companion]] {described.name}"
    own = {name.removeprefix(described.name): str(prepared.ports[name]) for name in described.ports}
    known = {**prepared.values, **{f"ports{name}" if name else "port": port for name, port in own.items()}}
    command = [expand(word, known, where=f"{where}: command") for word in described.command]
    environment = {
        name: expand(text, known, where=f"{where}: env: {name}") for name, text in described.environment.items()
    }
    return Program(described.name, command, {**prepared.environment, **environment}, config.app)


def host(
    config: Config, state: StateFolder, prepared: Prepared, environment: Mapping[str, str], options: Options
) -> Program:
    """The Functions host."""
    command = [
        *(*PYTHON, "localazure.host", "--app", str(config.app), "--host", HOST, "--port", str(prepared.ports["api"])),
        *("--rpc-port", str(prepared.ports["rpc"]), "--state", str(state.path)),
        *(f"--{name}" for name in HOST_FLAGS if getattr(options, name.replace("-", "_"))),
    ]
    return Program("host", command, environment, config.app, on_console=True)


def host_settings(config: Config, values: Mapping[str, str]) -> dict[str, str]:
    """The app's settings that lead to local services, and its managed identity."""
    return {
        **{name: expand(text, values, where=f"{FILE}: [settings] {name}") for name, text in config.settings.items()},
        "IDENTITY_ENDPOINT": values["identity.url"],
        "IDENTITY_HEADER": values["identity.header"],
        "AZURE_FUNCTIONS_ENVIRONMENT": "Development",
    }
