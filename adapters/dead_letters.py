"""Dead letters: what could not be processed, kept in container `operations` until somebody decides about it."""

from __future__ import annotations

from datetime import datetime

from adapters.cosmos import AlreadyExists, Container
from domain.errors import NotFound
from domain.shapes import Identifier, JsonObject, Model, Utc, utc_text

DEAD_LETTER_KIND = "deadLetter"

_operations = Container("operations")


class DeadLetter(Model):
    """What failed (`source`), with what (`payload`), why, and for whom. The same `letter_id` is kept once.

    `instance_id` is the workflow that waits for a second chance, if one does.
    """

    letter_id: str
    source: str
    order_id: Identifier | None = None
    instance_id: str | None = None
    payload: JsonObject
    reason: str
    correlation_id: str | None = None
    at: Utc
    replayed_at: Utc | None = None
    replayed_by: str | None = None


async def park(tenant_id: str, letter: DeadLetter) -> None:
    """Keep a dead letter; one that is kept already stays as it is. Raises Transient."""
    document = {"id": letter.letter_id, "kind": DEAD_LETTER_KIND, "tenantId": tenant_id, **letter.to_json()}
    try:
        await _operations.create(document)
    except AlreadyExists:
        return


async def get(tenant_id: str, letter_id: str) -> DeadLetter:
    """One dead letter. Raises NotFound, Transient."""
    try:
        return DeadLetter.model_validate(await _operations.read(letter_id, [tenant_id]))
    except NotFound as error:
        raise NotFound(f"there is no dead letter {letter_id}") from error


async def find_all(tenant_id: str, limit: int) -> list[DeadLetter]:
    """The tenant's dead letters, newest first. Raises Transient."""
    query = "SELECT TOP @limit * FROM c WHERE c.kind = @kind ORDER BY c._ts DESC"
    rows = _operations.query(query, {"limit": limit, "kind": DEAD_LETTER_KIND}, [tenant_id])
    return [DeadLetter.model_validate(row) async for row in rows]


async def note_replay(tenant_id: str, letter_id: str, at: datetime, actor: str) -> None:
    """Note that somebody has given it a second chance. Raises NotFound, Transient."""
    noted = {"/replayedAt": utc_text(at), "/replayedBy": actor}
    changes = [{"op": "set", "path": path, "value": value} for path, value in noted.items()]
    await _operations.patch(letter_id, [tenant_id], changes)
