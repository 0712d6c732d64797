"""What a server can be told at its start."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

EMULATOR_KEY: Final = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="
"""The account key that Microsoft publishes for local emulators. It protects nothing."""

CONSISTENCY_LEVELS: Final = ("Strong", "BoundedStaleness", "Session", "ConsistentPrefix", "Eventual")


@dataclass(frozen=True, slots=True)
class Options:
    """The account's settings.

    With `strict_queries` clients have to merge the results of several partitions themselves, as with the service.
    `check_session` refuses reads that carry a session token of the future. Without `change_log` there is no feed of all
    versions. `ru_per_s` is one fixed rate for every container instead of the rate of its offer.
    """

    data: Path | None = None
    key: str = field(default=EMULATOR_KEY, repr=False)
    authenticate: bool = True
    aad_jwks: Path | None = None
    advertise: str = ""
    consistency: str = "Session"
    partitions: int = 1
    strict_queries: bool = False
    check_session: bool = False
    change_log: bool = True
    change_log_retention_s: int | None = None
    throttle: bool = False
    ru_per_s: int = 0
    full_durability: bool = False
    admin: bool = True
