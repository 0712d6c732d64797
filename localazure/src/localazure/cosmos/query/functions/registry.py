"""How a function is declared: its name, the types of its arguments, and a body that may rely on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

from localazure.cosmos.query import values
from localazure.cosmos.query.values import UNDEFINED

Kind: TypeAlias = Callable[[Any], bool]


def any_value(value: Any) -> bool:  # noqa: ARG001  # one of the kinds, all of which take the value
    """Accepts everything, undefined included."""
    return True


def defined(value: Any) -> bool:
    """Accepts everything but undefined."""
    return value is not UNDEFINED


ANY, DEFINED = any_value, defined
BOOLEAN, NUMBER, INTEGER, STRING = values.is_boolean, values.is_number, values.is_integer, values.is_string
ARRAY, OBJECT = values.is_array, values.is_object


@dataclass(frozen=True, slots=True)
class Function:
    """A function and what it accepts; `rest` is the kind of any number of further arguments."""

    name: str
    body: Callable[..., Any]
    kinds: tuple[Kind, ...]
    least: int
    rest: Kind | None = None
    needs_now: bool = False

    @property
    def most(self) -> int | None:
        """The greatest number of arguments, None for any number."""
        return None if self.rest else len(self.kinds)

    def kinds_of(self, count: int) -> tuple[Kind, ...]:
        """The kind of each of `count` arguments."""
        return (self.kinds + (self.rest or ANY,) * count)[:count]


class Group:
    """Collects the functions of one module."""

    def __init__(self) -> None:
        self._functions: list[Function] = []

    def __iter__(self) -> Iterator[Function]:
        return iter(self._functions)

    def add(
        self,
        name: str,
        *kinds: Kind,
        optional: tuple[Kind, ...] = (),
        rest: Kind | None = None,
        needs_now: bool = False,
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Declare the decorated body as function `name`.

        It is called only with arguments of the declared kinds; anything else makes the call undefined. With
        `needs_now` the time of the request comes first.
        """

        def declare(body: Callable[..., Any]) -> Callable[..., Any]:
            function = Function(name.upper(), body, (*kinds, *optional), len(kinds), rest, needs_now)
            self._functions.append(function)
            return body

        return declare
