"""The addresses that a started workflow answers with: the check-status payload of Durable Functions.

Any durable client can follow it, but it leads to our own `/v1/workflows`, which asks for the bearer token; the host's
management endpoints and their key are never handed out.
"""

from __future__ import annotations


def order_url(api_url: str, order_id: str) -> str:
    """Where an order is read."""
    return f"{api_url}/v1/orders/{order_id}"


def user_url(api_url: str, user_id: str) -> str:
    """Where a user is read."""
    return f"{api_url}/v1/users/{user_id}"


def workflow_url(api_url: str, instance_id: str) -> str:
    """Where a workflow's status is read."""
    return f"{api_url}/v1/workflows/{instance_id}"


def check_status(api_url: str, instance_id: str) -> dict[str, str]:
    """The payload, with the placeholders that the durable SDK's own has."""
    workflow = workflow_url(api_url, instance_id)
    return {
        "id": instance_id,
        "statusQueryGetUri": workflow,
        "sendEventPostUri": f"{workflow}/raiseEvent/{{eventName}}",
        "terminatePostUri": f"{workflow}/terminate?reason={{text}}",
        "suspendPostUri": f"{workflow}/suspend?reason={{text}}",
        "resumePostUri": f"{workflow}/resume?reason={{text}}",
        "rewindPostUri": f"{workflow}/rewind?reason={{text}}",
        "purgeHistoryDeleteUri": workflow,
    }
