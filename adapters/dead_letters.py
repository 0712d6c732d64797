"""Dead letters: what could not be processed, kept in container `operations` until somebody decides about it.

| status    | meaning                                                              |
|-----------|----------------------------------------------------------------------|
| open      | nobody has seen to it, or its second chance has failed, too          |
| replayed  | it was done again with success, or handed to the workflow that waits |
| discarded | somebody has decided that it need not be done                        |

A letter is never deleted: what people did about it is kept in it. Whatever changes one goes through `change`.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum

from adapters.cosmos import AlreadyExists, Container
from domain.errors import Conflict, NotFound, Transient
from domain.shapes import Identifier, JsonObject, Model, Utc, utc_text

DEAD_LETTER_KIND = "deadLetter"

_ATTEMPTS = 3
_AFTER_ALL = "~"
"""Sorts behind every time."""

_operations = Container("operations")


class LetterStatus(StrEnum):
    """Whether somebody must still look at a dead letter."""

    OPEN = "open"
    REPLAYED = "replayed"
    DISCARDED = "discarded"


class Outcome(StrEnum):
    """What came of what somebody did about a dead letter."""

    TOLD = "told"
    DONE = "done"
    FAILED = "failed"
    DISCARDED = "discarded"


_LEADS_TO = {
    Outcome.TOLD: LetterStatus.REPLAYED,
    Outcome.DONE: LetterStatus.REPLAYED,
    Outcome.FAILED: LetterStatus.OPEN,
    Outcome.DISCARDED: LetterStatus.DISCARDED,
}


class Handling(Model):
    """What somebody did about a dead letter, and what came of it; `told`: its workflow, which runs the step itself."""

    at: Utc
    actor: str
    outcome: Outcome
    detail: str | None = None


class DeadLetter(Model):
    """What failed (`source`), with what (`payload`), why, how often, and for whom. The same `letter_id` is kept once.

    `instance_id` is the workflow that waits for a second chance, if one does.
    """

    letter_id: str
    source: str
    status: LetterStatus = LetterStatus.OPEN
    order_id: Identifier | None = None
    instance_id: str | None = None
    payload: JsonObject
    reason: str
    attempts: int = 1
    correlation_id: str | None = None
    at: Utc
    handled: tuple[Handling, ...] = ()

    @property
    def place(self) -> str:
        """Where it stands among all letters, which are listed by it."""
        return f"{utc_text(self.at)}{_AFTER_ALL}{self.letter_id}"

    @property
    def is_open(self) -> bool:
        """Whether it is still to be seen to."""
        return self.status is LetterStatus.OPEN

    def after(self, handling: Handling) -> DeadLetter:
        """The letter once somebody has seen to it. One that is closed, or knows of this already, stays as it is."""
        if not self.is_open or handling.to_json() in [known.to_json() for known in self.handled]:
            return self
        has_failed = handling.outcome is Outcome.FAILED
        return self.model_copy(
            update={
                "status": _LEADS_TO[handling.outcome],
                "reason": handling.detail if has_failed and handling.detail else self.reason,
                "attempts": self.attempts + has_failed,
                "handled": (*self.handled, handling),
            }
        )

    def reopened(self, again: DeadLetter) -> DeadLetter:
        """The letter after a failure that is younger than what was done about the one before."""
        if self.is_open or not self.handled or again.at <= self.handled[-1].at:
            return self
        known = {"status": LetterStatus.OPEN, "reason": again.reason, "payload": again.payload}
        return self.model_copy(update={**known, "attempts": self.attempts + 1})


async def park(tenant_id: str, letter: DeadLetter) -> None:
    """Keep a dead letter. One that is kept already stays as it is, unless it was seen to before this failure.

    Raises Transient.
    """
    try:
        await _operations.create(_document(tenant_id, letter))
    except AlreadyExists:
        await change(tenant_id, letter.letter_id, lambda kept: kept.reopened(letter))


async def get(tenant_id: str, letter_id: str) -> DeadLetter:
    """One dead letter. Raises NotFound, Transient."""
    return (await _read(tenant_id, letter_id))[0]


async def find_all(
    tenant_id: str,
    limit: int,
    *,
    after: str | None = None,
    status: str | None = None,
    source: str | None = None,
    order_id: str | None = None,
) -> list[DeadLetter]:
    """At most `limit` of the tenant's dead letters, newest first, from the one that follows the place `after`.

    Raises Transient.
    """
    query = "SELECT TOP @limit * FROM c WHERE c.kind = @kind AND c.place < @after"
    parameters: JsonObject = {"limit": limit, "kind": DEAD_LETTER_KIND, "after": after or _AFTER_ALL}
    for name, wanted in (("status", status), ("source", source), ("orderId", order_id)):
        if wanted is not None:
            query += f" AND c.{name} = @{name}"
            parameters[name] = wanted
    rows = _operations.query(f"{query} ORDER BY c.place DESC", parameters, [tenant_id])
    return [DeadLetter.model_validate(row) async for row in rows]


async def change(tenant_id: str, letter_id: str, decide: Callable[[DeadLetter], DeadLetter]) -> DeadLetter:
    """Decide on a letter as it is and store what was decided; again if it changed in between.

    Returns the letter as it is afterwards. Raises NotFound, Transient.
    """
    for _ in range(_ATTEMPTS):
        before, etag = await _read(tenant_id, letter_id)
        after = decide(before)
        if after is before:
            return before
        try:
            await _operations.replace(_document(tenant_id, after), etag)
        except Conflict:
            continue
        return after
    raise Transient(f"dead letter {letter_id} keeps changing")


async def note(tenant_id: str, letter: DeadLetter, outcome: Outcome, at: datetime, actor: str) -> None:
    """Note what came of a letter as it was read; not if it has failed once more since. Raises NotFound, Transient."""
    handling = Handling(at=at, actor=actor, outcome=outcome)
    await change(
        tenant_id,
        letter.letter_id,
        lambda now: now.after(handling) if now.attempts == letter.attempts else now,
    )


async def document_of(tenant_id: str, letter: DeadLetter) -> JsonObject | None:
    """The document that a follower of a change feed could not handle, as it is now; None when it is gone.

    Raises Transient.
    """
    key = [tenant_id] if letter.order_id is None else [tenant_id, letter.order_id]
    try:
        return await Container(letter.payload["container"]).read(letter.payload["id"], key)
    except NotFound:
        return None


async def _read(tenant_id: str, letter_id: str) -> tuple[DeadLetter, str]:
    try:
        document = await _operations.read(letter_id, [tenant_id])
    except NotFound as error:
        raise NotFound(f"there is no dead letter {letter_id}") from error
    return DeadLetter.model_validate(document), document["_etag"]


def _document(tenant_id: str, letter: DeadLetter) -> JsonObject:
    own = {"id": letter.letter_id, "kind": DEAD_LETTER_KIND, "tenantId": tenant_id, "place": letter.place}
    return {**own, **letter.to_json()}
