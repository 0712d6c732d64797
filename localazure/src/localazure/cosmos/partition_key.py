"""Partition keys: where a document says its key, and where the key places it.

Every key has three forms. The *components* are its JSON values, one per path, with UNDEFINED for a property that is
absent. The *canonical text* is the identity of a logical partition. The *effective partition key* (EPK) is a
hexadecimal text by which the service spreads keys over ranges; clients compute it too and send intervals of it for
prefix queries, feed ranges and change feeds, so it must come out bit for bit as theirs does.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from localazure.cosmos.errors import PARTITION_KEY_MISMATCH, BadRequest
from localazure.cosmos.jsontext import as_doubles, parse_body
from localazure.cosmos.murmur import murmur3_32, murmur3_128
from localazure.cosmos.paths import PropertyPath, parse_path

MAX_KEY_BYTES = 2048
EPK_MIN: Final = ""
EPK_MAX: Final = "FF"


class Undefined:
    """The type of UNDEFINED: a key whose property is absent, which is not the same as null."""

    def __repr__(self) -> str:
        return "UNDEFINED"


UNDEFINED: Final = Undefined()

Component = None | bool | int | float | str | Undefined


@dataclass(frozen=True, slots=True)
class Definition:
    """How a container is partitioned: one path, or up to three levels of them."""

    paths: tuple[PropertyPath, ...]
    hierarchical: bool
    version: int


@dataclass(frozen=True, slots=True)
class PartitionKey:
    """One logical partition, or the prefix of several when it has fewer components than the definition."""

    components: tuple[Component, ...]
    text: str
    epk: str


def define(properties: object) -> Definition:
    """Read the `partitionKey` property of a container. Raises BadRequest when the service would refuse it."""
    if not isinstance(properties, Mapping) or not isinstance(properties.get("paths"), list):
        raise BadRequest("The partition key definition with its paths is missing.")
    paths = tuple(parse_path(path) for path in properties["paths"])
    kind, version = properties.get("kind", "Hash"), properties.get("version", 1)
    if kind == "Hash" and len(paths) != 1:
        raise BadRequest("A partition key of kind Hash has exactly one path.")
    if kind == "MultiHash" and not (1 <= len(paths) <= 3 and version == 2):
        raise BadRequest("A partition key of kind MultiHash has one to three paths and version 2.")
    if kind not in ("Hash", "MultiHash") or version not in (1, 2):
        raise BadRequest(f"Partition key kind {kind!r} version {version!r} is not known.")
    return Definition(paths, kind == "MultiHash", version)


def of_document(definition: Definition, document: Mapping[str, Any]) -> PartitionKey:
    """The key that a document says it has."""
    absent = None if definition.hierarchical else UNDEFINED  # as the SDK fills in the levels of its header
    return make(definition, tuple(_component(path, document, absent) for path in definition.paths))


@lru_cache(maxsize=8192)
def of_header(definition: Definition, header: str) -> PartitionKey:
    """The key in an `x-ms-documentdb-partitionkey` header, which may be a prefix or empty. Raises BadRequest."""
    values = parse_body(header.encode(errors="surrogateescape"))
    if not isinstance(values, list) or len(values) > len(definition.paths):
        raise BadRequest(
            f"The partition key {header} does not have the {len(definition.paths)} component(s) of the container.",
            substatus=PARTITION_KEY_MISMATCH,
        )
    return make(definition, tuple(UNDEFINED if isinstance(value, dict | list) else value for value in values))


def make(definition: Definition, components: tuple[Component, ...]) -> PartitionKey:
    """The key with these components, which are JSON scalars or UNDEFINED. Raises BadRequest when one is too long."""
    return _make(definition, tuple((type(value), as_doubles(value)) for value in components))


@lru_cache(maxsize=8192)
def _make(definition: Definition, typed: tuple[tuple[type, Component], ...]) -> PartitionKey:
    components = tuple(value for _, value in typed)  # the types keep 1 and True apart in the cache
    for value in components:
        if isinstance(value, str) and len(value.encode(errors="surrogatepass")) > MAX_KEY_BYTES:
            raise BadRequest(f"A partition key is longer than {MAX_KEY_BYTES} bytes.")
    text = json.dumps([{} if value is UNDEFINED else value for value in components], separators=(",", ":"))
    return PartitionKey(components, text, effective(definition, components))


def is_full(definition: Definition, key: PartitionKey) -> bool:
    """Whether the key names one logical partition, not a prefix."""
    return len(key.components) == len(definition.paths)


def effective(definition: Definition, components: Sequence[Component]) -> str:
    """The effective partition key of a key or prefix, as the clients compute it."""
    if not components:
        return EPK_MIN
    if definition.hierarchical:
        return "".join(_hash_v2([value]) for value in components)
    return _hash_v2(components) if definition.version == 2 else _hash_v1(components)


def point_interval(epk: str) -> tuple[str, str]:
    """The EPK interval that holds one key and nothing else."""
    if not epk:
        return EPK_MIN, EPK_MAX
    return epk, f"{int(epk, 16) + 1:0{len(epk)}X}"


def prefix_interval(epk: str) -> tuple[str, str]:
    """The EPK interval of all keys that begin with a prefix."""
    return epk, epk + EPK_MAX


def _component(path: PropertyPath, document: Mapping[str, Any], absent: Component) -> Component:
    value: Any = document
    for name in path:
        if not isinstance(value, Mapping) or name not in value:
            return absent
        value = value[name]
    return UNDEFINED if isinstance(value, dict | list) else value


def _hash_v2(components: Sequence[Component]) -> str:
    low, high = murmur3_128(b"".join(_bytes(value, b"\xff") for value in components))
    digest = bytearray(high.to_bytes(8, "big") + low.to_bytes(8, "big"))
    digest[0] &= 0x3F
    return digest.hex().upper()


def _bytes(value: Component, end_of_string: bytes) -> bytes:
    match value:
        case Undefined():
            return b"\x00"
        case None:
            return b"\x01"
        case bool():
            return b"\x03" if value else b"\x02"
        case str():
            return b"\x08" + value.encode(errors="surrogatepass") + end_of_string
        case _:
            return b"\x05" + struct.pack("<d", value)


def _hash_v1(components: Sequence[Component]) -> str:
    """Version 1 hashes to 32 bits and appends the values themselves in an order-preserving form."""
    short = [value[:100] if isinstance(value, str) else value for value in components]
    digest = murmur3_32(b"".join(_bytes(value, b"\x00") for value in short))
    return (_ordered(float(digest)) + b"".join(_ordered(value) for value in short)).hex()


def _ordered(value: Component) -> bytes:
    match value:
        case Undefined() | None | bool():
            return _bytes(value, b"")
        case str():
            return _ordered_string(value)
        case _:
            return _ordered_number(float(value))


def _ordered_string(value: str) -> bytes:
    raw = value.encode(errors="surrogatepass")
    short = len(raw) <= 100
    kept = raw if short else raw[:101]
    return b"\x08" + bytes((byte + 1) % 256 for byte in kept) + (b"\x00" if short else b"")


def _ordered_number(value: float) -> bytes:
    """Eight bits, then groups of seven, each but the last marked by its low bit."""
    (bits,) = struct.unpack(">Q", struct.pack(">d", value))
    bits = bits ^ 1 << 63 if bits < 1 << 63 else (1 << 64) - bits
    encoded = bytearray([0x05, bits >> 56])
    rest = bits << 8 & 0xFFFF_FFFF_FFFF_FFFF
    groups = []
    while rest:
        groups.append(rest >> 56 & 0xFE)
        rest = rest << 7 & 0xFFFF_FFFF_FFFF_FFFF
    encoded += bytes(group | 1 for group in groups[:-1])
    encoded.append(groups[-1] if groups else 0)
    return bytes(encoded)
