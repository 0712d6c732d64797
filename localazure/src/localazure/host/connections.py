"""Whether the accounts that a function's bindings name are defined: told at indexing, not by the first use."""

from __future__ import annotations

from collections.abc import Iterator

from localazure.host.event_grid_output import topic_uri
from localazure.host.functions import Binding, HostedFunction
from localazure.host.settings import COSMOS, STORAGE, Settings

_STORAGE_KINDS = frozenset({"queuetrigger", "queue", "blobtrigger", "blob"})
_COSMOS_KINDS = frozenset({"cosmosdbtrigger", "cosmosdb"})


def check_connections(function: HostedFunction, settings: Settings) -> None:
    """Raises IndexingError that names the setting which is missing."""
    for binding in function.bindings:
        for name in _connections_of(binding):
            settings.connection(name)
        if binding.kind == "eventgrid":
            topic_uri(settings, binding)


def _connections_of(binding: Binding) -> Iterator[str]:
    if binding.kind in _STORAGE_KINDS:
        yield binding.text("connection") or STORAGE
    if binding.kind == "blobtrigger":
        yield STORAGE  # the receipts
    if binding.kind in _COSMOS_KINDS:
        yield binding.text("connection", "connectionStringSetting") or COSMOS
        if leases := binding.text("leaseConnection", "leaseConnectionStringSetting"):
            yield leases
