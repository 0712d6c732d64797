"""Cross-origin requests, allowed for the origins in local.settings.json (`Host.CORS`) and for no others."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web


@dataclass(frozen=True)
class Cors:
    """Without origins, no request gets any CORS header."""

    origins: tuple[str, ...] = ()
    credentials: bool = False

    def preflight(self, request: web.Request) -> web.Response | None:
        """The host's own answer to a pre-flight request, or None when this is none."""
        is_preflight = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        if not self.origins or not is_preflight:
            return None
        response = web.Response(status=204)
        if self._allows(request):
            response.headers["Access-Control-Allow-Methods"] = request.headers["Access-Control-Request-Method"]
            if wanted := request.headers.get("Access-Control-Request-Headers"):
                response.headers["Access-Control-Allow-Headers"] = wanted
        return response

    def mark(self, request: web.Request, response: web.StreamResponse) -> None:
        """Add the allow headers to an answer for an allowed origin."""
        if self._allows(request):
            response.headers["Access-Control-Allow-Origin"] = "*" if "*" in self.origins else request.headers["Origin"]
            response.headers.add("Vary", "Origin")
            if self.credentials:
                response.headers["Access-Control-Allow-Credentials"] = "true"

    def _allows(self, request: web.Request) -> bool:
        origin = request.headers.get("Origin", "")
        return bool(origin) and ("*" in self.origins or origin.lower() in {item.lower() for item in self.origins})
