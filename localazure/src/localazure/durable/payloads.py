"""How long a payload may be: inputs, outputs, data of events, results, entity states."""

from __future__ import annotations

from localazure.durable.errors import PayloadTooLarge


def excess(what: str, text: str | None, limit_bytes: int) -> str | None:
    """Why `text` is too long, naming it `what`; None when it is not. Its length is that of its UTF-8 form."""
    if text is None or len(text) * 4 <= limit_bytes:
        return None
    size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    return f"{what} has {size} bytes; at most {limit_bytes} are allowed." if size > limit_bytes else None


def check(what: str, text: str | None, limit_bytes: int) -> None:
    """Raises PayloadTooLarge."""
    problem = excess(what, text, limit_bytes)
    if problem is not None:
        raise PayloadTooLarge(problem)
