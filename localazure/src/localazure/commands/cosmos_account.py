"""The running Cosmos DB account as the commands see it: through the official client and the emulator's own endpoints.

The client is imported inside the functions, because that takes longer than all else that a command does.
"""

from __future__ import annotations

import json
import ssl
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from localazure.commands.common import Failure, state_folder
from localazure.cosmos.options import EMULATOR_KEY

if TYPE_CHECKING:
    from azure.cosmos import ContainerProxy

POLL_S: Final = 0.3
TIMEOUT_S: Final = 30


@dataclass(frozen=True)
class ContainerFacts:
    """What there is to know about a container at a glance. `kib` is the size of its items, rounded up."""

    database: str
    container: str
    partition_key: str
    items: int
    kib: int


class CosmosAccount:
    """The account of a running system. What it refuses, and that it is gone, is a Failure."""

    def __init__(self, url: str, bundle: Path) -> None:
        """`bundle` holds the certificate authorities to trust (PEM)."""
        from azure.cosmos import CosmosClient  # noqa: PLC0415  # see the module's docstring
        from urllib3 import disable_warnings  # noqa: PLC0415  # comes with the client
        from urllib3.exceptions import InsecureRequestWarning  # noqa: PLC0415  # as above

        disable_warnings(InsecureRequestWarning)  # the client does not verify certificates of this machine
        self._url = url.rstrip("/")
        self._bundle = bundle
        with _refusals():
            self._client = CosmosClient(url, EMULATOR_KEY)

    def containers(self) -> list[ContainerFacts]:
        """All containers, in the order in which they were made."""
        with _refusals():
            return [_facts(database, self._proxy(database, name)) for database, name in self._names()]

    def container(self, name: str) -> ContainerProxy:
        """The container `NAME`, or `DATABASE/NAME` where several have that name. Failure that lists them if none is."""
        with _refusals():
            known = self._names()
        found = [one for one in known if name in {one[1], "/".join(one)}]
        if len(found) != 1:
            problem = "names several containers" if found else "names no container"
            names = ", ".join(map("/".join, found or known)) or "none"
            raise Failure(f"{name!r} {problem}; there are: {names}.")
        return self._proxy(*found[0])

    def _names(self) -> list[tuple[str, str]]:
        """Database and name of all containers."""
        databases = [database["id"] for database in self._client.list_databases()]
        listed = {name: self._client.get_database_client(name).list_containers() for name in databases}
        return [(name, container["id"]) for name, containers in listed.items() for container in containers]

    def _proxy(self, database: str, container: str) -> ContainerProxy:
        return self._client.get_database_client(database).get_container_client(container)

    def query(self, container: ContainerProxy, text: str, partition_key: list[Any]) -> Iterator[Any]:
        """The rows of a query, within one logical partition or those below a prefix if a key is given."""
        scope = {"partition_key": partition_key} if partition_key else {"enable_cross_partition_query": True}
        if len(partition_key) == 1 and len(_key_paths(container)) == 1:
            scope = {"partition_key": partition_key[0]}
        with _refusals():
            yield from container.query_items(text, **scope)

    def changes(self, container: ContainerProxy, *, from_beginning: bool) -> Iterator[dict[str, Any]]:
        """The change feed, without end: every item as of its last write, as it is written."""
        given: dict[str, Any] = {"start_time": "Beginning" if from_beginning else "Now"}
        with _refusals():
            while True:
                yield from container.query_items_change_feed(**given)
                given = {"continuation": container.client_connection.last_response_headers["etag"]}
                time.sleep(POLL_S)

    def charges(self) -> dict[str, Any]:
        """What was spent: {"since": ISO 8601, "charges": [{"database", "container", "operation", "requests", ...}]}."""
        counted: dict[str, Any] = json.loads(self._ask_emulator("GET"))
        return counted

    def forget_charges(self) -> None:
        """Count from zero."""
        self._ask_emulator("DELETE")

    def _ask_emulator(self, method: str) -> bytes:
        trust = ssl.create_default_context(cafile=self._bundle) if self._url.startswith("https:") else None
        request = urllib.request.Request(f"{self._url}/_emulator/charges", method=method)  # noqa: S310  # our own URL
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S, context=trust) as answer:  # noqa: S310  # as above
                content: bytes = answer.read()
        except OSError as error:
            raise Failure(f"Cosmos DB at {self._url} does not tell its charges: {error}.") from error
        return content


def running_account(app: Path, state: Path | None) -> CosmosAccount:
    """The account of the system that runs on a state folder. Failure when none does."""
    folder = state_folder(app, state)
    url = folder.endpoints().get("cosmos")
    if not folder.is_in_use() or not url:
        raise Failure(f"Nothing runs on {folder.path}; use `localazure start`.")
    return CosmosAccount(url, folder.tls / "bundle.pem")


def without_system_properties(item: Mapping[str, Any]) -> dict[str, Any]:
    """What the app stored."""
    from localazure.cosmos.writer import SYSTEM_PROPERTIES  # noqa: PLC0415  # brings the store

    return {name: value for name, value in item.items() if name not in SYSTEM_PROPERTIES}


def _facts(database: str, container: ContainerProxy) -> ContainerFacts:
    properties = container.read(populate_quota_info=True)
    usage = dict(
        part.split("=") for part in properties.get_response_headers()["x-ms-resource-usage"].split(";") if part
    )
    key = ", ".join(properties["partitionKey"]["paths"])
    return ContainerFacts(database, properties["id"], key, int(usage["documentsCount"]), int(usage["documentsSize"]))


def _key_paths(container: ContainerProxy) -> list[str]:
    paths: list[str] = container.read()["partitionKey"]["paths"]
    return paths


@contextmanager
def _refusals() -> Iterator[None]:
    from azure.core.exceptions import AzureError, HttpResponseError  # noqa: PLC0415  # see the module's docstring

    try:
        yield
    except HttpResponseError as error:
        raise Failure(f"Cosmos DB refuses: {_reason(error.message)}") from error
    except AzureError as error:
        raise Failure(f"Cosmos DB does not answer: {error.message}") from error


def _reason(message: str) -> str:
    """The text of an error without its wrapping: `Message: {"errors":[{"message": ...}]}`, then the activity's id."""
    wrapped = message.partition("Message: ")[2].partition("\r\n")[0]
    try:
        (errors,) = json.loads(wrapped).values()
    except ValueError:
        return message
    return " ".join(error if isinstance(error, str) else error["message"] for error in errors)
