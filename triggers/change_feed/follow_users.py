"""Change feed `users`: starts what a changed user asks for; whoever wrote the change need not live to do it."""

from __future__ import annotations

from functools import partial

import azure.functions as func

from adapters.durable import DurableClient, start_erasure, start_propagation, start_verification
from domain.shapes import JsonObject
from domain.users import User, UserStatus
from triggers.change_feed.each_document import each_document


async def follow_users(documents: func.DocumentList, client: DurableClient) -> None:
    """Start the workflows for a new address, an e-mail address to verify, a user to forget: each once."""
    await each_document("follow_users", (dict(document) for document in documents), partial(follow, client), "users")


async def follow(client: DurableClient, document: JsonObject) -> None:
    """The same for one user."""
    user = User.model_validate(document)
    if user.status is UserStatus.ERASED:
        await start_erasure(client, user)
        return
    if user.address_version:
        await start_propagation(client, user)
    if user.status is UserStatus.PENDING:
        verification_id = user.verification.verification_id
        await start_verification(client, user.tenant_id, user.user_id, verification_id, user.correlation_id)
