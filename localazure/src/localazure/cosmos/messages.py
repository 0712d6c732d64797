"""A request and its answer, free of any HTTP library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from localazure.cosmos.addressing import Address
from localazure.cosmos.errors import BadRequest

DEFAULT_PAGE = 100
LARGEST_PAGE = 1000
MAX_PAGE_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Call:
    """A request. `headers` compares names without regard to case; `base_url` is how the client reached the server."""

    method: str
    address: Address
    headers: Mapping[str, str]
    body: bytes
    base_url: str

    def flag(self, name: str) -> bool:
        """A boolean header; clients spell them in every case."""
        return self.headers.get(name, "").lower() == "true"

    @property
    def page_size(self) -> int:
        """How many rows the caller wants at once. Raises BadRequest."""
        text = self.headers.get("x-ms-max-item-count", str(DEFAULT_PAGE))
        try:
            wanted = int(text)
        except ValueError as error:
            raise BadRequest(f"The page size {text!r} is not a number.") from error
        return wanted if wanted > 0 else LARGEST_PAGE

    @property
    def is_query(self) -> bool:
        """Whether a POST asks for rows instead of creating something."""
        content_type = self.headers.get("content-type", "")
        return self.flag("x-ms-documentdb-isquery") or content_type.startswith("application/query+json")


@dataclass(slots=True)
class Reply:
    """An answer. `text` is JSON, empty for none; `charge` is in request units."""

    status: int = 200
    text: str = ""
    charge: float = 1.0
    headers: dict[str, str] = field(default_factory=dict)
