"""Who may call what. As with the local tool, every caller is an administrator until `--enable-auth` is given."""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localazure.host.json_input import read_object
from localazure.host.settings import Settings

DURABLE_SYSTEM_KEY = "durabletask_extension"
EVENT_GRID_SYSTEM_KEY = "eventgrid_extension"
BLOB_SYSTEM_KEY = "blobs_extension"
SYSTEM_KEYS = (DURABLE_SYSTEM_KEY, EVENT_GRID_SYSTEM_KEY, BLOB_SYSTEM_KEY)
MASTER = "_master"
HOST = "host"
SYSTEM = "_system"
DEFAULT = "default"


class Keys:
    """The keys of this app: those of the settings, and those of a file that is made on first use.

    `file` holds `{"master": key, "host": {name: key}, "_system": {extension: key}, "functions": {NAME: {name: key}}}`.
    A scope is HOST, SYSTEM, or the name of a function. Settings are `FUNCTIONS_MASTER_KEY`, `FUNCTIONS_HOST_KEY`,
    `FUNCTIONS_KEY_<function>` and `FUNCTIONS_SYSTEM_KEY_<extension>`.
    """

    def __init__(self, settings: Settings, file: Path, *, is_enforced: bool) -> None:
        self._settings = settings
        self.is_enforced = is_enforced
        self._file = file
        self._stored = _load(file)
        self._save()

    @property
    def master(self) -> str:
        return self._settings.get("FUNCTIONS_MASTER_KEY", self._stored["master"])

    def of(self, scope: str) -> dict[str, str]:
        """The keys of a scope by name; those of settings win."""
        return dict(self._section(scope)) | self._from_settings(scope)

    def of_extension(self, name: str) -> str:
        """The system key that opens the webhooks of an extension."""
        return self.of(SYSTEM).get(name, "")

    def put(self, scope: str, name: str, value: str | None) -> tuple[str, bool]:
        """Set a key, to a new random value for None. The value, and whether the key is new."""
        is_new = name not in self.of(scope)
        self._section(scope)[name] = value or _random_key()
        self._save()
        return self.of(scope)[name], is_new

    def renew_master(self, value: str | None) -> str:
        self._stored["master"] = value or _random_key()
        self._save()
        return self.master

    def delete(self, scope: str, name: str) -> bool:
        """False when there is no such key in the file."""
        found = self._section(scope).pop(name, None)
        self._save()
        return found is not None

    def opens_function(self, given: str, name: str, level: str) -> bool:
        if not self.is_enforced or level == "anonymous":
            return True
        others = () if level == "admin" else (*self.of(HOST).values(), *self.of(name).values())
        return _is_one_of(given, (self.master, *others))

    def opens_admin(self, given: str) -> bool:
        return not self.is_enforced or _is_one_of(given, (self.master,))

    def opens_extension(self, given: str, system_key: str) -> bool:
        return not self.is_enforced or _is_one_of(given, (self.master, self.of_extension(system_key)))

    def _section(self, scope: str) -> dict[str, str]:
        """The stored keys of a scope, to be changed in place."""
        section: dict[str, str] = (
            self._stored[scope] if scope in {HOST, SYSTEM} else self._stored["functions"].setdefault(scope.lower(), {})
        )
        return section

    def _from_settings(self, scope: str) -> dict[str, str]:
        if scope == SYSTEM:
            given = {name: self._settings.get(f"FUNCTIONS_SYSTEM_KEY_{name}") for name in SYSTEM_KEYS}
        else:
            setting = "FUNCTIONS_HOST_KEY" if scope == HOST else f"FUNCTIONS_KEY_{scope}"
            given = {DEFAULT: self._settings.get(setting)}
        return {name: value for name, value in given.items() if value}

    def _save(self) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        draft = self._file.with_suffix(".draft")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(self._stored, indent=2))
        draft.replace(self._file)


def given_key(headers: Mapping[str, str], query: Mapping[str, str]) -> str:
    """The key that a request carries: the header first, else the query parameter."""
    return headers.get("x-functions-key") or query.get("code", "")


def _is_one_of(given: str, accepted: tuple[str, ...]) -> bool:
    wanted = given.encode(errors="surrogateescape")  # a header may hold any bytes
    return any(key and hmac.compare_digest(wanted, key.encode()) for key in accepted)


def _random_key() -> str:
    return secrets.token_urlsafe(40)


def _load(file: Path) -> dict[str, Any]:
    """What is stored, with a key made for everything that must have one. Raises ConfigError."""
    stored = read_object(file, str(file)) if file.exists() else {}
    stored.setdefault("master", _random_key())
    stored.setdefault("functions", {})
    for section, names in ((HOST, (DEFAULT,)), (SYSTEM, SYSTEM_KEYS)):
        kept = stored.get(section)
        stored[section] = {name: _random_key() for name in names} | (kept if isinstance(kept, dict) else {})
    return stored
