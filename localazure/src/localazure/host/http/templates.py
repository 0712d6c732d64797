"""Route templates as ASP.NET knows them: literals, `{id}`, `{id:int?}`, `{id=5}`, `{*rest}`, `file-{id}.txt`.

A template is a list of segments; each segment becomes one regular expression over one decoded path segment, so a
value never reaches past a slash, except for the catch-all, which is always last.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from localazure.host.errors import IndexingError
from localazure.host.http.constraints import Constraint, constraint

_NAME = re.compile(r"[^/{}:?=*()]+")


@dataclass(frozen=True)
class Parameter:
    """One `{...}` of a template. `default` is None when the value is mandatory or, if optional, simply absent."""

    name: str
    constraints: tuple[Constraint, ...] = ()
    default: str | None = None
    is_optional: bool = False
    is_catch_all: bool = False

    def accepts(self, value: str) -> bool:
        return all(check(value) for check in self.constraints)


@dataclass(frozen=True)
class Segment:
    """One part between slashes: its pattern has a group `p<n>` for each of its parameters."""

    pattern: re.Pattern[str]
    parameters: tuple[Parameter, ...]

    @property
    def may_be_absent(self) -> bool:
        return bool(self.parameters) and all(
            p.is_optional or p.is_catch_all or p.default is not None for p in self.parameters
        )

    def match(self, text: str) -> dict[str, str] | None:
        found = self.pattern.fullmatch(text)
        if found is None:
            return None
        values = {parameter.name: found[f"p{index}"] for index, parameter in enumerate(self.parameters)}
        return values if all(parameter.accepts(values[parameter.name]) for parameter in self.parameters) else None


class RouteTemplate:
    """A parsed template. Raises IndexingError when the text is not one."""

    def __init__(self, text: str) -> None:
        self.text = text.strip("/")
        self._segments = [_segment(part) for part in _split(self.text)] if self.text else []
        for segment in self._segments[:-1]:
            if any(parameter.is_catch_all for parameter in segment.parameters):
                raise IndexingError(
                    f"The route '{self.text}' is invalid: a catch-all parameter can only be the last segment."
                )
        names = Counter(parameter.name.lower() for segment in self._segments for parameter in segment.parameters)
        if repeated := [name for name, count in names.items() if count > 1]:
            raise IndexingError(
                f"The route '{self.text}' is invalid: the parameter '{repeated[0]}' appears more than once."
            )
        has_no_braces = "{" not in self.text and "}" not in self.text
        self._words = [part.lower() for part in _split(self.text) if self.text] if has_no_braces else None

    def match(self, segments: list[str]) -> dict[str, str] | None:
        """The route values for a path given as decoded segments, or None when it does not match."""
        if self._words is not None:
            return {} if [segment.lower() for segment in segments] == self._words else None
        values: dict[str, str] = {}
        for index, segment in enumerate(self._segments):
            if segment.parameters and segment.parameters[-1].is_catch_all:
                return _with_rest(values, segment.parameters[-1], "/".join(segments[index:]))
            if index >= len(segments):
                if not segment.may_be_absent:
                    return None
                values |= {p.name: p.default for p in segment.parameters if p.default is not None}
                continue
            found = segment.match(segments[index])
            if found is None:
                return None
            values |= found
        return values if len(segments) <= len(self._segments) else None


def _with_rest(values: dict[str, str], parameter: Parameter, rest: str) -> dict[str, str] | None:
    value = rest or parameter.default
    if value is None:
        return values
    return values | {parameter.name: value} if parameter.accepts(value) else None


def _split(text: str) -> list[str]:
    """Split at slashes that are not inside braces (a regex constraint may hold one)."""
    parts, depth = [""], 0
    for character in text:
        depth += {"{": 1, "}": -1}.get(character, 0)
        if character == "/" and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _segment(text: str) -> Segment:
    parameters: list[Parameter] = []
    pattern, position = "", 0
    while position < len(text):
        if text[position] == "{" and text[position : position + 2] != "{{":
            end = _closing_brace(text, position)
            pattern += f"(?P<p{len(parameters)}>.+)"
            parameters.append(_parameter(text[position + 1 : end]))
            position = end + 1
        else:
            doubled = text[position : position + 2] in {"{{", "}}"}
            pattern += re.escape(text[position])
            position += 2 if doubled else 1
    return Segment(re.compile(pattern, re.IGNORECASE | re.DOTALL), tuple(parameters))


def _closing_brace(text: str, start: int) -> int:
    position = start + 1
    while position < len(text):
        if text[position : position + 2] in {"{{", "}}"}:  # an escaped brace, in a regex constraint
            position += 2
        elif text[position] == "}":
            return position
        else:
            position += 1
    raise IndexingError(f"The route segment '{text}' has a '{{' without its '}}'.")


def _parameter(text: str) -> Parameter:
    """The inside of the braces: `*name`, then `:constraint` any number of times, then `=default` or `?`."""
    stars = len(text) - len(text.lstrip("*"))
    body = text[stars:]
    name = _NAME.match(body)
    if name is None:
        raise IndexingError(f"The route parameter '{{{text}}}' has no valid name.")
    rest, constraints = body[name.end() :], []
    while rest.startswith(":"):
        length = _constraint_length(rest[1:])
        constraints.append(constraint(rest[1 : 1 + length].replace("{{", "{").replace("}}", "}")))
        rest = rest[1 + length :]
    if rest not in {"", "?"} and not rest.startswith("="):
        raise IndexingError(f"The route parameter '{{{text}}}' is invalid.")
    default = rest[1:] if rest.startswith("=") else None
    return Parameter(name[0], tuple(constraints), default, rest == "?", stars > 0)


def _constraint_length(text: str) -> int:
    """Up to the next `:`, `=` or `?` outside of round brackets."""
    depth = 0
    for position, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0 and character in ":=?":
            return position
    return len(text)
