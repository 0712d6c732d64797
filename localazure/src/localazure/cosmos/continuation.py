"""Where a query or feed goes on. Tokens hold that state themselves, so they outlive the server that gave them."""

from __future__ import annotations

import base64
import json
import zlib
from dataclasses import dataclass
from typing import Final

from localazure.cosmos.errors import BadRequest


@dataclass(frozen=True, slots=True)
class Position:
    """The item to go on with by its creation number, how many of its rows were delivered, and how many rows in all."""

    sequence: int = 1
    rows_of_item: int = 0
    rows: int = 0


START = Position()
MAX_SEQUENCE: Final = 2**63 - 1


def encode(position: Position, question: str) -> str:
    """A token for a position in the answer to a question; a JSON array, which no client takes for its own token."""
    state = [position.sequence, position.rows_of_item, position.rows, _checksum(question)]
    return base64.b64encode(json.dumps(state).encode()).decode()


def decode(token: str, question: str) -> Position:
    """The position in a token, START for an empty one. Raises BadRequest when it belongs to another question."""
    if not token:
        return START
    try:
        sequence, rows_of_item, rows, checksum = map(int, json.loads(base64.b64decode(token, validate=True)))
    except (ValueError, TypeError) as error:
        raise BadRequest("The continuation token cannot be read.") from error
    if checksum != _checksum(question) or not 0 <= sequence <= MAX_SEQUENCE:
        raise BadRequest("The continuation token belongs to another query.")
    return Position(sequence, rows_of_item, rows)


def _checksum(question: str) -> int:
    return zlib.crc32(question.encode(errors="surrogatepass"))
