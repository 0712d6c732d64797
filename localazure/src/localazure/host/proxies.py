"""Whether the host's own clients of Azure services must look for a proxy with every request."""

from __future__ import annotations

from urllib.request import getproxies


def has_proxies() -> bool:
    """Whether the environment names one. Looking costs a thread per request: a fifth of what idle triggers cost."""
    return bool(getproxies())
