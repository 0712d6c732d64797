"""`GET /health/ready`."""

from __future__ import annotations

from adapters import health
from triggers.web.answers import Answer
from triggers.web.call import Call


async def health_ready(call: Call) -> Answer:  # noqa: ARG001  # every handler takes the call
    """Say whether orders can be processed, and which service is down if not."""
    faults = await health.faults()
    checks = {
        name: {"status": "down", "detail": fault} if fault else {"status": "up"} for name, fault in faults.items()
    }
    if any(faults.values()):
        return Answer(503, {"status": "down", "checks": checks}, {"Retry-After": "5"})
    return Answer(200, {"status": "up", "checks": checks})
