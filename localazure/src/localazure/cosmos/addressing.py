"""How requests say what they mean: raw paths, resource ids, and the link that a signature covers.

A path is split before it is decoded, because an id may contain an escaped slash. A resource can be addressed by names
(`dbs/shop/colls/orders/docs/o1`) or by resource ids (`dbs/Xk0YAA==/colls/Xk0YAIwBzhI=/docs/…`); clients do the latter
whenever they are handed a resource that they read before.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final
from urllib.parse import quote, unquote

from localazure.cosmos.errors import BadRequest, NotFound


class Kind(StrEnum):
    """What a path leads to."""

    ACCOUNT = "account"
    DATABASES = "databases"
    DATABASE = "database"
    CONTAINERS = "containers"
    CONTAINER = "container"
    RANGES = "ranges"
    ITEMS = "items"
    ITEM = "item"
    DELETE_BY_KEY = "delete by key"
    OFFERS = "offers"
    OFFER = "offer"
    UNSUPPORTED = "unsupported"


FEEDS: Final = frozenset({Kind.DATABASES, Kind.CONTAINERS, Kind.ITEMS, Kind.OFFERS, Kind.RANGES, Kind.UNSUPPORTED})

_KINDS: Final = {
    (): Kind.ACCOUNT,
    ("dbs",): Kind.DATABASES,
    ("dbs", "*"): Kind.DATABASE,
    ("dbs", "*", "colls"): Kind.CONTAINERS,
    ("dbs", "*", "colls", "*"): Kind.CONTAINER,
    ("dbs", "*", "colls", "*", "pkranges"): Kind.RANGES,
    ("dbs", "*", "colls", "*", "docs"): Kind.ITEMS,
    ("dbs", "*", "colls", "*", "docs", "*"): Kind.ITEM,
    ("dbs", "*", "colls", "*", "operations", "partitionkeydelete"): Kind.DELETE_BY_KEY,
    ("offers",): Kind.OFFERS,
    ("offers", "*"): Kind.OFFER,
}
_FORBIDDEN: Final = re.compile(r"[/\\?#]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_UNSUPPORTED: Final = frozenset({"users", "permissions", "sprocs", "triggers", "udfs", "conflicts", "attachments"})


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed path. `segments` are decoded; `by_rid` tells whether they hold resource ids or names."""

    kind: Kind
    segments: tuple[str, ...]
    by_rid: bool

    @property
    def resource_type(self) -> str:
        """The type that the signature names, as in `docs`; empty for the account."""
        if self.kind is Kind.DELETE_BY_KEY:
            return "colls"
        return self.segments[(len(self.segments) - 1) // 2 * 2] if self.segments else ""

    @property
    def signed_link(self) -> str:
        """The link that the signature covers: names as they are, or the last resource id in lower case."""
        named = len(self.segments) // 2 * 2
        if self.kind is Kind.DELETE_BY_KEY:
            named = 4
        if self.by_rid:
            return self.segments[named - 1].lower() if named else ""
        return "/".join(self.segments[:named])


@lru_cache(maxsize=4096)
def parse_address(raw_path: str) -> Address:
    """Read a raw request path (without its query). Raises NotFound for a path that no resource can have."""
    segments = tuple(unquote(segment) for segment in raw_path.split("/") if segment)
    fixed = (position % 2 == 0 or segments[position - 1] == "operations" for position in range(len(segments)))
    pattern = tuple(segment if keep else "*" for segment, keep in zip(segments, fixed, strict=True))
    kind = _KINDS.get(pattern)
    if kind is None and len(segments) > 2 and segments[(len(segments) - 1) // 2 * 2] in _UNSUPPORTED:
        kind = Kind.UNSUPPORTED
    if kind is None:
        raise NotFound(f"There is no resource at {raw_path}.")
    return Address(kind, segments, by_rid=_is_by_rid(segments))


def _is_by_rid(segments: tuple[str, ...]) -> bool:
    if len(segments) < 2:
        return False
    if segments[0] == "offers":
        return True
    name = segments[1]
    return len(name) == 8 and name.endswith("==") and len(_decoded(name)) == 4


def check_item_id(value: object) -> str:
    """The id of an item. Raises BadRequest when the service would refuse it."""
    if not isinstance(value, str) or not value:
        raise BadRequest("The input content is invalid because the required property 'id' is missing or not a string.")
    _check_characters(value)
    if len(value.encode()) > 1023:
        raise BadRequest("The id is longer than 1023 bytes.")
    return value


def check_name(value: object) -> str:
    """The name of a database or container. Raises BadRequest when the service would refuse it."""
    if not isinstance(value, str) or not 1 <= len(value) <= 255 or value.endswith(" "):
        raise BadRequest("The required property 'id' must be a name of 1 to 255 characters without a trailing space.")
    _check_characters(value)
    return value


def _check_characters(value: str) -> None:
    if value in {".", ".."}:
        raise BadRequest(f"The id {value!r} could never be addressed: HTTP clients collapse such path segments.")
    if _FORBIDDEN.search(value):
        raise BadRequest(f"The id {value!r} contains one of the characters / \\ ? #.")
    if _SURROGATE.search(value):
        raise BadRequest("The id is not valid Unicode.")


def new_database_rid() -> str:
    """Four random bytes."""
    return _encoded(secrets.token_bytes(4))


def new_container_rid(database_rid: str) -> str:
    """The database's four bytes and four of its own, the first of which has its top bit set."""
    own = bytearray(secrets.token_bytes(4))
    own[0] |= 0x80
    return _encoded(_decoded(database_rid) + own)


def new_offer_rid() -> str:
    """Three random bytes."""
    return _encoded(secrets.token_bytes(3))


def item_rid(container_rid: str, sequence: int) -> str:
    """The container's eight bytes and the item's creation number."""
    return _encoded(_decoded(container_rid) + sequence.to_bytes(8, "little"))


def item_sequence(container_rid: str, rid: str) -> int:
    """The creation number in an item's resource id. Raises NotFound when it belongs to another container."""
    raw, container = _decoded(rid), _decoded(container_rid)
    if len(raw) != 16 or raw[:8] != container:
        raise NotFound(f"The resource id {rid!r} is not one of this container.")
    sequence = int.from_bytes(raw[8:], "little")
    if sequence >= 1 << 63:
        raise NotFound(f"The resource id {rid!r} belongs to no item.")
    return sequence


def range_rid(container_rid: str, index: int) -> str:
    """The resource id of the partition key range with this index."""
    return _encoded(_decoded(container_rid) + bytes([2, 0, 0, 0, 0, 0, 0, 0x50 + index]))


def content_path(database: str, container: str) -> str:
    """The name-based link of a container in the form of a header: percent-encoded to ASCII."""
    return f"dbs/{quote(database, safe='')}/colls/{quote(container, safe='')}"


def _encoded(raw: bytes) -> str:
    return binascii.b2a_base64(raw, newline=False).decode().replace("/", "-")


@lru_cache(maxsize=4096)
def _decoded(rid: str) -> bytes:
    try:
        return base64.b64decode(rid.replace("-", "/").encode(), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return b""
