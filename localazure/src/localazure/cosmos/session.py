"""Session tokens: how far a client has seen a container. This server is always up to date, so they rarely matter."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from localazure.cosmos.errors import SESSION_AHEAD, NotFound
from localazure.cosmos.resources import Container

HEADER: Final = "x-ms-session-token"
_LSN: Final = re.compile(r"#(\d+)")


def token(container: Container, range_id: str) -> str:
    """The token after a call. Clients fail on any other form."""
    return f"{range_id}:-1#{container.lsn}"


def check(container: Container, headers: Mapping[str, str]) -> None:
    """Raises NotFound, sub-status 1002, when a client has seen more than there is: its token is from another life."""
    seen = max(map(int, _LSN.findall(headers.get(HEADER, ""))), default=0)
    if seen > container.lsn:
        raise NotFound(
            f"The read session is not available: the token is at {seen}, the container at {container.lsn}.",
            substatus=SESSION_AHEAD,
        )
