"""Functions on strings. Positions count characters from 0."""

from __future__ import annotations

from typing import Any, Final

from localazure.cosmos.query.functions.registry import ARRAY, BOOLEAN, INTEGER, STRING, Group
from localazure.cosmos.query.regex import BudgetExceededError, PatternError, machine
from localazure.cosmos.query.values import UNDEFINED, is_string

GROUP = Group()

MAX_REPLICATED: Final = 10_000


@GROUP.add("CONCAT", STRING, STRING, rest=STRING)
def concat(*texts: str) -> str:
    """All texts in one."""
    return "".join(texts)


def _folded(text: str, part: str, ignore_case: bool) -> tuple[str, str]:
    return (text.lower(), part.lower()) if ignore_case else (text, part)


@GROUP.add("CONTAINS", STRING, STRING, optional=(BOOLEAN,))
def contains(text: str, part: str, ignore_case: bool = False) -> bool:
    """Whether `part` is in `text`."""
    text, part = _folded(text, part, ignore_case)
    return part in text


@GROUP.add("STARTSWITH", STRING, STRING, optional=(BOOLEAN,))
def starts_with(text: str, part: str, ignore_case: bool = False) -> bool:
    """Whether `text` begins with `part`."""
    text, part = _folded(text, part, ignore_case)
    return text.startswith(part)


@GROUP.add("ENDSWITH", STRING, STRING, optional=(BOOLEAN,))
def ends_with(text: str, part: str, ignore_case: bool = False) -> bool:
    """Whether `text` ends in `part`."""
    text, part = _folded(text, part, ignore_case)
    return text.endswith(part)


@GROUP.add("StringEquals", STRING, STRING, optional=(BOOLEAN,))
def string_equals(text: str, other: str, ignore_case: bool = False) -> bool:
    """Whether both texts are the same."""
    text, other = _folded(text, other, ignore_case)
    return text == other


@GROUP.add("INDEX_OF", STRING, STRING, optional=(INTEGER,))
def index_of(text: str, part: str, start: float = 0) -> int:
    """Where `part` first stands from `start` on, -1 if nowhere."""
    return text.find(part, max(int(start), 0))


@GROUP.add("LEFT", STRING, INTEGER)
def left(text: str, count: float) -> str:
    """The first `count` characters."""
    return text[: max(int(count), 0)]


@GROUP.add("RIGHT", STRING, INTEGER)
def right(text: str, count: float) -> str:
    """The last `count` characters."""
    return text[max(len(text) - max(int(count), 0), 0) :]


@GROUP.add("SUBSTRING", STRING, INTEGER, INTEGER)
def substring(text: str, start: float, length: float) -> str:
    """`length` characters from `start` on."""
    first = max(int(start), 0)
    return text[first : first + max(int(length), 0)]


@GROUP.add("REPLACE", STRING, STRING, STRING)
def replace(text: str, old: str, new: str) -> str:
    """The text with every `old` replaced; an empty `old` changes nothing."""
    return text.replace(old, new) if old else text


@GROUP.add("REPLICATE", STRING, INTEGER)
def replicate(text: str, count: float) -> Any:
    """The text repeated, undefined for a negative count or a result of more than 10,000 characters."""
    times = int(count)
    return text * times if 0 <= max(len(text), 1) * times <= MAX_REPLICATED else UNDEFINED


@GROUP.add("REVERSE", STRING)
def reverse(text: str) -> str:
    """The characters from last to first."""
    return text[::-1]


@GROUP.add("LENGTH", STRING)
def length(text: str) -> int:
    """The number of characters."""
    return len(text)


@GROUP.add("StringSplit", STRING, STRING)
def string_split(text: str, separator: str) -> list[str]:
    """The parts between separators."""
    return text.split(separator) if separator else [text]


@GROUP.add("StringJoin", ARRAY, STRING)
def string_join(parts: list[Any], separator: str) -> Any:
    """An array of strings as one text."""
    return separator.join(parts) if all(map(is_string, parts)) else UNDEFINED


GROUP.add("LOWER", STRING)(str.lower)
GROUP.add("UPPER", STRING)(str.upper)


def _trimming(trim: Any) -> Any:
    return lambda text, characters=None: trim(text, characters)


GROUP.add("TRIM", STRING, optional=(STRING,))(_trimming(str.strip))
GROUP.add("LTRIM", STRING, optional=(STRING,))(_trimming(str.lstrip))
GROUP.add("RTRIM", STRING, optional=(STRING,))(_trimming(str.rstrip))


@GROUP.add("RegexMatch", STRING, STRING, optional=(STRING,))
def regex_match(text: str, pattern: str, flags: str = "") -> Any:
    """Whether the pattern occurs in the text; undefined for an invalid pattern or a search beyond the budget."""
    try:
        return machine(pattern, flags).search(text)
    except (PatternError, BudgetExceededError):
        return UNDEFINED
