"""Which function answers a request: the first, by name, whose route and methods match."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import unquote

from localazure.host.errors import IndexingError
from localazure.host.functions import HostedFunction
from localazure.host.http.templates import RouteTemplate

RESERVED = ("admin", "runtime")
"""No route may begin so, whatever the prefix: `administration` does not work in the cloud either."""

PATHS_KEPT = 1024
"""So many of the latest paths are found again without looking through the routes."""


@dataclass(frozen=True)
class Route:
    """One HTTP function at its place. No methods means every method."""

    function: HostedFunction
    template: RouteTemplate
    methods: frozenset[str]


class RouteTable:
    """Routes in the order in which they are tried."""

    def __init__(self, functions: Iterable[HostedFunction], prefix: str) -> None:
        self.routes = [route_of(function, prefix) for function in functions]
        self._find_again = lru_cache(PATHS_KEPT)(self._find)

    def match(self, method: str, raw_path: str) -> tuple[Route, Mapping[str, str]] | None:
        """The route and its values; nothing for what is reserved.

        A wrong method is no match: the host answers 404, never 405.
        """
        return self._find_again(method, raw_path.partition("?")[0])

    def _find(self, method: str, path: str) -> tuple[Route, Mapping[str, str]] | None:
        segments = path_segments(path)
        if segments and segments[0].lower() in RESERVED:
            return None
        for route in self.routes:
            if not route.methods or method.upper() in route.methods:
                values = route.template.match(segments)
                if values is not None:
                    return route, values
        return None


def path_segments(path: str) -> list[str]:
    """Decoded parts of a path without its query; slashes at both ends are ignored."""
    if not path.startswith("/"):  # clients of a proxy send the whole URL
        path = path.partition("://")[2].partition("/")[2]
    path = path.strip("/")
    return [unquote(part) for part in path.split("/")] if path else []


def route_of(function: HostedFunction, prefix: str) -> Route:
    """Raises IndexingError when the route is no valid template or reserved."""
    text = function.trigger.text("route", default=function.name).lstrip("/")
    template = RouteTemplate(f"{prefix.strip('/')}/{text}")
    if text.lower().startswith(RESERVED):
        raise IndexingError(
            f"The specified route conflicts with one or more built in routes: no route may begin like '{text}'."
        )
    return Route(function, template, methods_of(function))


def methods_of(function: HostedFunction) -> frozenset[str]:
    methods = function.trigger.properties.get("methods") or ()
    return frozenset(str(method).upper() for method in methods)
