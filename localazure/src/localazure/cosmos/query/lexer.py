"""Query text to tokens. Positions are kept so that errors can point at the text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

from localazure.cosmos.query.errors import SYNTAX, QueryError
from localazure.cosmos.query.nodes import Span
from localazure.cosmos.query.values import UNDEFINED, number

MAX_TEXT_BYTES: Final = 512 * 1024
DIGITS_OF_64_BITS: Final = 19
FILTER_PLACEHOLDER: Final = "{documentdb-formattableorderbyquery-filter}"

# Words that cannot name an alias; after a dot, and as keys of an object, every word is a plain name.
# fmt: off
RESERVED: Final = frozenset((
    "AND", "ARRAY", "AS", "ASC", "BETWEEN", "BY", "DESC", "DISTINCT", "ESCAPE", "EXISTS", "FALSE", "FROM",
    "GROUP", "IN", "JOIN", "LIKE", "LIMIT", "NOT", "NULL", "OFFSET", "OR", "ORDER", "SELECT", "TOP", "TRUE",
    "UNDEFINED", "WHERE",
))
# fmt: on

_TOKEN: Final = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*|/\*.*?\*/)
  | (?P<number>0[xX][0-9a-fA-F]+|(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
  | (?P<string>'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*")
  | (?P<parameter>@\w+)
  | (?P<name>[^\W\d]\w*)
  | (?P<symbol>\{documentdb-formattableorderbyquery-filter\}|>>>|<<|>>|<=|>=|<>|!=|\?\?|\|\||[-+*/%&|^~<>=?:.,()\[\]{}])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))|''|\"\"", re.DOTALL)
_CONTROL: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "\\": "\\", "'": "'", '"': '"', "/": "/"}
_SURROGATES: Final = re.compile("[\ud800-\udbff][\udc00-\udfff]")


class Kind(Enum):
    """What a token is; keywords are names until the parser asks for them."""

    NAME = auto()
    NUMBER = auto()
    STRING = auto()
    PARAMETER = auto()
    SYMBOL = auto()
    END = auto()


@dataclass(frozen=True, slots=True)
class Token:
    """One word of the text.

    `value` is the constant that a number or string stands for, else the text; `keyword` is the word in upper case for
    names and symbols, empty for constants and parameters.
    """

    kind: Kind
    text: str
    value: Any
    span: Span
    keyword: str = ""


def tokenize(text: str) -> list[Token]:
    """All tokens of `text` and a last one of kind END. Raises QueryError SC1001, also for a text that is too long."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_TEXT_BYTES:
        raise QueryError(SYNTAX, f"The query text exceeds the limit of {MAX_TEXT_BYTES} bytes.", 0, len(text))
    tokens = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise QueryError(SYNTAX, f"Syntax error near '{text[position]}'.", position, position + 1)
        position = match.end()
        if match.lastgroup != "space":
            tokens.append(_token(match))
    tokens.append(Token(Kind.END, "", None, (len(text), len(text))))
    return tokens


def _token(match: re.Match[str]) -> Token:
    kind = Kind[str(match.lastgroup).upper()]
    text, span = match.group(), match.span()
    if kind is Kind.NUMBER:
        return Token(kind, text, _number(text, span), span)
    if kind is Kind.STRING:
        return Token(kind, text, _string(text, span), span)
    return Token(kind, text, text, span, "" if kind is Kind.PARAMETER else text.upper())


def _number(text: str, span: Span) -> Any:
    if text[:2] in ("0x", "0X"):
        value = number(int(text, 16))
    else:
        value = number(int(text) if text.isdecimal() and len(text) <= DIGITS_OF_64_BITS else float(text))
    if value is UNDEFINED:
        raise QueryError(SYNTAX, f"The number '{text}' is out of range.", *span)
    return value


def _string(text: str, span: Span) -> str:
    quote = text[0]

    def unescape(match: re.Match[str]) -> str:
        code, control = match.groups()
        if code:
            return chr(int(code, 16))
        if control:
            if control not in _CONTROL:
                start = span[0] + 1 + match.start()
                raise QueryError(SYNTAX, f"Unknown escape '{match.group()}'.", start, start + 2)
            return _CONTROL[control]
        return quote if match.group() == quote * 2 else match.group()

    plain = _ESCAPE.sub(unescape, text[1:-1])
    return _SURROGATES.sub(lambda pair: pair.group().encode("utf-16", "surrogatepass").decode("utf-16"), plain)
