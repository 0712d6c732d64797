"""Who may call what. As with the local tool, every caller is an administrator until `--enable-auth` is given."""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from localazure.host.settings import Settings

DURABLE_SYSTEM_KEY = "durabletask_extension"
EVENT_GRID_SYSTEM_KEY = "eventgrid_extension"
SYSTEM_KEYS = (DURABLE_SYSTEM_KEY, EVENT_GRID_SYSTEM_KEY)


class Keys:
    """The keys of this app, from settings or else from a file that is made on first use.

    `file` holds `{"master": ..., "host": ..., "functions": {name: ...}, "systemKeys": {extension: ...}}`.
    """

    def __init__(self, settings: Settings, file: Path, *, is_enforced: bool) -> None:
        self._settings = settings
        self._is_enforced = is_enforced
        self._stored = _load(file)

    @property
    def master(self) -> str:
        return self._key("FUNCTIONS_MASTER_KEY", self._stored.master)

    @property
    def host(self) -> str:
        return self._key("FUNCTIONS_HOST_KEY", self._stored.host)

    def of_function(self, name: str) -> str:
        return self._key(f"FUNCTIONS_KEY_{name}", self._stored.functions.get(name, ""))

    def of_extension(self, name: str) -> str:
        """The system key that opens the webhooks of an extension."""
        return self._key(f"FUNCTIONS_SYSTEM_KEY_{name}", self._stored.system_keys.get(name, ""))

    def opens_function(self, given: str, name: str, level: str) -> bool:
        if not self._is_enforced or level == "anonymous":
            return True
        accepted = [self.master] if level == "admin" else [self.master, self.host, self.of_function(name)]
        return _is_one_of(given, accepted)

    def opens_admin(self, given: str) -> bool:
        return not self._is_enforced or _is_one_of(given, [self.master])

    def opens_extension(self, given: str, system_key: str) -> bool:
        return not self._is_enforced or _is_one_of(given, [self.master, self.of_extension(system_key)])

    def _key(self, setting: str, stored: str) -> str:
        return self._settings.get(setting, stored)


def given_key(headers: Mapping[str, str], query: Mapping[str, str]) -> str:
    """The key that a request carries: the header first, else the query parameter."""
    return headers.get("x-functions-key") or query.get("code", "")


def _is_one_of(given: str, accepted: list[str]) -> bool:
    return any(key and hmac.compare_digest(given.encode(), key.encode()) for key in accepted)


@dataclass(frozen=True)
class _StoredKeys:
    master: str
    host: str
    functions: Mapping[str, str]
    system_keys: Mapping[str, str]


def _load(file: Path) -> _StoredKeys:
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        made = {
            "master": secrets.token_urlsafe(40),
            "host": secrets.token_urlsafe(40),
            "functions": {},
            "systemKeys": {name: secrets.token_urlsafe(40) for name in SYSTEM_KEYS},
        }
        file.touch(mode=0o600)
        file.write_text(json.dumps(made, indent=2))
    content = json.loads(file.read_text())
    return _StoredKeys(content["master"], content["host"], content["functions"], content["systemKeys"])
