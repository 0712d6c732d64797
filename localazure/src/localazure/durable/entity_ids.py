"""Entity ids: `@name@key`, the name in lower case."""

from __future__ import annotations

from localazure.durable.errors import InvalidArgument
from localazure.durable.instance_ids import has_forbidden


def entity_id(name: str, key: str) -> str:
    """The id of an entity; the empty key is written `$`. Raises InvalidArgument."""
    check(name, key)
    return f"@{name.lower()}@{'' if key == '$' else key}"


def check(name: str, key: str) -> None:
    """Raises InvalidArgument."""
    if not name or has_forbidden(key):
        raise InvalidArgument(f"'{name}' and '{key}' do not name an entity.")


def split(text: str) -> tuple[str, str]:
    """Name and key of an id."""
    name, _, key = text[1:].partition("@")
    return name, key
