"""Where a query or feed goes on. Tokens hold that state themselves, so they outlive the server that gave them.

A position is the place of the last row delivered. It says what was read and not how much, so writes between two pages
neither repeat nor hide rows that were there all the time.
"""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass
from typing import Any, Final

from localazure.cosmos.errors import BadRequest
from localazure.cosmos.query import Place


@dataclass(frozen=True, slots=True)
class Position:
    """The place of the last row delivered, and how many rows were passed so far.

    Without a place the rows are counted: at the start, and behind rows whose sort keys are too long for a token.
    """

    place: Place | None = None
    rows: int = 0

    @property
    def document(self) -> int:
        """The number of the document that the last row came from, 0 for none."""
        return self.place.document if self.place else 0


START = Position()
MAX_NUMBER: Final = 2**63 - 1
MAX_TOKEN_BYTES: Final = 4096  # some clients accept no header line above 8 KB

_KEY_TYPES: Final[tuple[type | tuple[type, ...], ...]] = (int, int, int, int, (int, float), str, int, int)


def encode(position: Position, question: str) -> str:
    """A token for a position in the answer to a question; a JSON array, which no client takes for its own token."""
    token = _text([position.rows, _checksum(question), *(position.place or ())])
    return token if len(token) <= MAX_TOKEN_BYTES else _text([position.rows, _checksum(question)])


def decode(token: str, question: str) -> Position:
    """The position in a token, START for an empty one. Raises BadRequest when it belongs to another question."""
    if not token:
        return START
    try:
        rows, checksum, *place = json.loads(base64.b64decode(token, validate=True))
        position = Position(_place(*place) if place else None, int(rows))
    except (ValueError, TypeError, IndexError, OverflowError, RecursionError) as error:
        raise BadRequest("The continuation token cannot be read.") from error
    if checksum != _checksum(question) or not 0 <= position.rows <= MAX_NUMBER:
        raise BadRequest("The continuation token belongs to another query.")
    return position


def _place(keys: list[tuple[int, Any]], document: int, row: int) -> Place:
    for rank, value in keys:
        if not isinstance(value, _KEY_TYPES[rank]):
            raise TypeError(f"{value!r} is no sort key of rank {rank}")
    if not 0 <= int(document) <= MAX_NUMBER:
        raise ValueError(f"there is no document {document}")
    return Place(tuple((rank, value) for rank, value in keys), int(document), int(row))


def _text(state: list[Any]) -> str:
    return base64.b64encode(json.dumps(state, separators=(",", ":")).encode()).decode()


def _checksum(question: str) -> int:
    return zlib.crc32(question.encode(errors="surrogatepass"))
