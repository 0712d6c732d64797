"""Reads a pattern into a tree of six kinds of nodes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

CharacterTest: TypeAlias = Callable[[str], bool]
PlaceTest: TypeAlias = Callable[[str, int], bool]

MAX_GROUP_DEPTH: Final = 40


class PatternError(ValueError):
    """A pattern that is malformed or asks for what is not supported."""


@dataclass(frozen=True, slots=True)
class Character:
    """One character that passes the test."""

    test: CharacterTest


@dataclass(frozen=True, slots=True)
class Place:
    """A place between characters that passes the test: an anchor or a word boundary."""

    test: PlaceTest


@dataclass(frozen=True, slots=True)
class Sequence:
    """One after the other."""

    parts: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Any of the options."""

    options: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """From `least` to `most` times, None for without end."""

    part: Tree
    least: int
    most: int | None


@dataclass(frozen=True, slots=True)
class Look:
    """A place where `part` follows or, if `behind`, ends; the opposite when `negated`."""

    part: Tree
    behind: bool
    negated: bool


Tree: TypeAlias = Character | Place | Sequence | Choice | Repeat | Look

_CLASSES: Final[dict[str, CharacterTest]] = {
    "d": lambda c: c in "0123456789",
    "w": lambda c: c.isalnum() or c == "_",
    "s": lambda c: c in " \t\n\r\f\v",
}
_CONTROL: Final = {"n": "\n", "r": "\r", "t": "\t", "f": "\f", "v": "\v", "a": "\a", "e": "\x1b", "0": "\0"}
_LOOKS: Final = {"?=": (False, False), "?!": (False, True), "?<=": (True, False), "?<!": (True, True)}
_COUNTS: Final = {"*": (0, None), "+": (1, None), "?": (0, 1)}


def parse_pattern(pattern: str, flags: str) -> Tree:
    """The tree of a pattern under flags out of `imsx`. Raises PatternError."""
    if set(flags) - set("imsx"):
        raise PatternError(f"unknown flag in '{flags}'")
    reader = _Reader(pattern, set(flags))
    tree = reader.choice()
    if reader.rest:
        raise PatternError("unbalanced parenthesis")
    return tree


def _at_word_boundary(text: str, place: int) -> bool:
    word = _CLASSES["w"]
    return (place > 0 and word(text[place - 1])) != (place < len(text) and word(text[place]))


class _Reader:
    def __init__(self, pattern: str, flags: set[str]) -> None:
        self._pattern = pattern
        self._flags = flags
        self._position = 0
        self._depth = 0
        self._read_leading_flags()

    @property
    def rest(self) -> str:
        """The part of the pattern not read yet."""
        return self._pattern[self._position :]

    def _read_leading_flags(self) -> None:
        end = self._pattern.find(")")
        letters = self._pattern[2:end]
        if self._pattern.startswith("(?") and end > 2 and not set(letters) - set("imsx"):
            self._flags |= set(letters)
            self._position = end + 1

    def _peek(self) -> str:
        if "x" in self._flags:
            self._skip_blanks()
        return self._pattern[self._position : self._position + 1]

    def _skip_blanks(self) -> None:
        while (character := self._pattern[self._position : self._position + 1]) and (
            character.isspace() or character == "#"
        ):
            end = self._pattern.find("\n", self._position) if character == "#" else self._position
            self._position = len(self._pattern) if end < 0 else end + 1

    def _take(self) -> str:
        if self._position >= len(self._pattern):
            raise PatternError("the pattern ends too early")
        self._position += 1
        return self._pattern[self._position - 1]

    def _accept(self, text: str) -> bool:
        if not self._pattern.startswith(text, self._position):
            return False
        self._position += len(text)
        return True

    def choice(self) -> Tree:
        """Alternatives, up to a closing parenthesis or the end."""
        options = [self._sequence()]
        while self._peek() == "|":
            self._take()
            options.append(self._sequence())
        return options[0] if len(options) == 1 else Choice(tuple(options))

    def _sequence(self) -> Tree:
        parts: list[Tree] = []
        while self._peek() not in ("", "|", ")"):
            parts.append(self._repeated(self._atom()))
        return Sequence(tuple(parts))

    def _repeated(self, part: Tree) -> Tree:
        bounds = self._count()
        if bounds is None:
            return part
        if self._accept("+"):
            raise PatternError("possessive quantifiers are not supported")
        self._accept("?")
        if self._peek() and self._count() is not None:
            raise PatternError("multiple repeat")
        return Repeat(part, *bounds)

    def _count(self) -> tuple[int, int | None] | None:
        character = self._peek()
        if character and character in _COUNTS:
            self._take()
            return _COUNTS[character]
        end = self._pattern.find("}", self._position)
        least, comma, most = self._pattern[self._position + 1 : end].partition(",")
        if character != "{" or end < 0 or not least.isdecimal() or (most and not most.isdecimal()):
            return None
        self._position = end + 1
        bounds = (int(least), int(most) if most else None if comma else int(least))
        if bounds[1] is not None and bounds[0] > bounds[1]:
            raise PatternError("bad repeat interval")
        return bounds

    def _atom(self) -> Tree:
        character = self._take()
        if character == "(":
            return self._group()
        if character == "[":
            return Character(self._set())
        if character == "\\":
            return self._escape()
        if character in "*+?":
            raise PatternError("nothing to repeat")
        if character == "^":
            return Place(self._line_start if "m" in self._flags else lambda _, place: place == 0)
        if character == "$":
            return Place(self._line_end if "m" in self._flags else self._text_end)
        if character == ".":
            return Character((lambda _: True) if "s" in self._flags else (lambda c: c != "\n"))
        return Character(self._literal(character))

    @staticmethod
    def _line_start(text: str, place: int) -> bool:
        return place == 0 or text[place - 1] == "\n"

    @staticmethod
    def _line_end(text: str, place: int) -> bool:
        return place == len(text) or text[place] == "\n"

    @staticmethod
    def _text_end(text: str, place: int) -> bool:
        return place == len(text) or (place == len(text) - 1 and text[place] == "\n")

    def _group(self) -> Tree:
        self._depth += 1
        if self._depth > MAX_GROUP_DEPTH:
            raise PatternError("too many nested groups")
        look = next((sides for opening, sides in _LOOKS.items() if self._accept(opening)), None)
        if look is None and self._accept("?") and not self._accept(":"):
            self._group_name()
        inner = self.choice()
        if self._take() != ")":
            raise PatternError("missing parenthesis")
        self._depth -= 1
        return Look(inner, *look) if look else inner

    def _group_name(self) -> None:
        self._accept("P")
        closing = ">" if self._accept("<") else "'" if self._accept("'") else ""
        end = self._pattern.find(closing, self._position) if closing else -1
        if not self._pattern[self._position : end].isidentifier():
            raise PatternError("unsupported group")
        self._position = end + 1

    def _escape(self) -> Tree:
        character = self._take()
        places: dict[str, PlaceTest] = {
            "b": _at_word_boundary,
            "B": lambda text, place: not _at_word_boundary(text, place),
            "A": lambda _, place: place == 0,
            "z": lambda text, place: place == len(text),
            "Z": self._text_end,
        }
        if character in places:
            return Place(places[character])
        return Character(self._class(character) or self._literal(self._escaped(character)))

    @staticmethod
    def _class(character: str) -> CharacterTest | None:
        test = _CLASSES.get(character.lower())
        if test is None or character.islower():
            return test
        return lambda c: not test(c)

    def _escaped(self, character: str) -> str:
        """The character that an escape stands for."""
        if character in _CONTROL:
            return _CONTROL[character]
        if character in "xu":
            braced = self._accept("{")
            end = self._pattern.find("}", self._position) if braced else self._position + (2 if character == "x" else 4)
            digits = self._pattern[self._position : end]
            self._position = end + 1 if braced else end
            try:
                return chr(int(digits, 16))
            except (ValueError, OverflowError):
                raise PatternError("bad escape") from None
        if character.isalnum():
            raise PatternError(f"unsupported escape '{character}'")
        return character

    def _literal(self, character: str) -> CharacterTest:
        if "i" in self._flags:
            folded = character.lower()
            return lambda c: c.lower() == folded
        return lambda c: c == character

    def _set(self) -> CharacterTest:
        negated = self._accept("^")
        tests: list[CharacterTest] = []
        while not tests or not self._accept("]"):
            tests.append(self._set_member())
        folds = "i" in self._flags

        def contains(character: str) -> bool:
            found = any(test(character) for test in tests)
            if folds and not found:
                found = any(test(character.swapcase()) for test in tests)
            return found is not negated

        return contains

    def _set_member(self) -> CharacterTest:
        first = self._take()
        if first == "\\":
            first = self._take()
            test = self._class(first)
            if test:
                return test
            first = "\b" if first == "b" else self._escaped(first)
        if not (self.rest[:1] == "-" and self.rest[1:2] not in ("]", "")):
            return lambda c: c == first
        self._take()
        last = self._take()
        if last == "\\":
            last = self._escaped(self._take())
        if last < first:
            raise PatternError("bad character range")
        return lambda c: first <= c <= last
