"""What the SDK's durable client is told: the addresses of the management API."""

from __future__ import annotations

import json
from urllib.parse import quote

from localazure.durable.settings import TaskHubSettings

WEBHOOK_PATH = "/runtime/webhooks/durabletask"
ID_PLACEHOLDER = "INSTANCEID"
"""The client replaces it by the instance id, as plain text."""


def client_binding(  # noqa: PLR0917  # the host passes them by position
    settings: TaskHubSettings,
    base_url: str,
    rpc_url: str,
    code: str,
    task_hub: str | None = None,
    connection: str | None = None,
) -> str:
    """The JSON text of a `durableClient` binding.

    `base_url` is that of the public listener (`http://localhost:7071`), `rpc_url` that of the listener for clients
    with its path (`http://127.0.0.1:17071/durabletask/`). `task_hub` and `connection` override the settings.
    """
    hub, connection = task_hub or settings.hub_name, connection or settings.connection_name
    webhook = webhook_url(base_url)
    start = f"{webhook}/orchestrators/{{functionName}}[/{{instanceId}}]"
    wait = "timeout={timeoutInSeconds}&pollingInterval={intervalInSeconds}"
    binding = {
        "taskHubName": hub,
        "connectionName": connection,
        "creationUrls": {
            "createNewInstancePostUri": f"{start}?code={quote(code)}",
            "createAndWaitOnNewInstancePostUri": f"{start}?{wait}&code={quote(code)}",
        },
        "managementUrls": management_urls(base_url, ID_PLACEHOLDER, hub, connection, code),
        "baseUrl": webhook,
        "requiredQueryStringParameters": f"code={quote(code)}",
        "rpcBaseUrl": rpc_url if rpc_url.endswith("/") else f"{rpc_url}/",
        "httpBaseUrl": webhook,
        "maxGrpcMessageSizeInBytes": 2_147_483_647,
        "grpcHttpClientTimeout": "00:01:40",
        "useForwardedHost": False,
    }
    return json.dumps(binding)


def management_urls(base_url: str, instance_id: str, hub: str, connection: str, code: str) -> dict[str, str]:
    """The addresses of one instance's operations, and its id."""
    instance = f"{webhook_url(base_url)}/instances/{quote(instance_id)}"
    query = f"taskHub={quote(hub)}&connection={quote(connection)}&code={quote(code)}"
    return {
        "id": instance_id,
        "statusQueryGetUri": f"{instance}?{query}",
        "sendEventPostUri": f"{instance}/raiseEvent/{{eventName}}?{query}",
        "terminatePostUri": f"{instance}/terminate?reason={{text}}&{query}",
        "rewindPostUri": f"{instance}/rewind?reason={{text}}&{query}",
        "purgeHistoryDeleteUri": f"{instance}?{query}",
        "restartPostUri": f"{instance}/restart?{query}",
        "suspendPostUri": f"{instance}/suspend?reason={{text}}&{query}",
        "resumePostUri": f"{instance}/resume?reason={{text}}&{query}",
    }


def webhook_url(base_url: str) -> str:
    """The root of the management API on the public listener."""
    return f"{base_url.rstrip('/')}{WEBHOOK_PATH}"
