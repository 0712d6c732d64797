"""Durable entities: one operation list per entity, served in order, one call at a time per entity.

Every call of an entity function carries one operation unless the settings allow more: in a longer batch the SDK hands
the result of one operation to the next one that sets none.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from localazure.durable import payloads
from localazure.durable.calling import call_persistently
from localazure.durable.context import HubContext, drain
from localazure.durable.entity_ids import check, split
from localazure.durable.errors import HubFailed, InvalidArgument, PayloadTooLarge
from localazure.durable.events import dump, entity_answered
from localazure.durable.functions import FunctionFailure, FunctionKind
from localazure.durable.records import Delivery, EntityRequest, Message
from localazure.durable.store import Entity, EntityCommit

log = logging.getLogger("localazure.durable")

Request = tuple[int, EntityRequest]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a batch brought: the entity's state (None: it does not exist) and one result per operation."""

    exists: bool
    state: str | None
    results: list[tuple[str, bool]]  # JSON text, and whether it is an error


@dataclass(slots=True, eq=False)
class Queue:
    """The operations that wait for one entity."""

    waiting: deque[Request] = field(default_factory=deque)
    task: asyncio.Task[None] | None = None


class Entities:
    """See the module."""

    def __init__(self, hub: HubContext, deliver: Callable[[str, Message], None]) -> None:
        self._hub = hub
        self._deliver = deliver
        self._calls = asyncio.Semaphore(hub.settings.max_concurrent_entities)
        self._queues: dict[str, Queue] = {}
        self._accepting = True

    def add(self, requests: Iterable[Request]) -> None:
        """Serve requests that are in the store."""
        for request in requests:
            entity_id = request[1].entity_id
            queue = self._queues.setdefault(entity_id, Queue())
            queue.waiting.append(request)
            if queue.task is None and self._accepting:
                queue.task = asyncio.create_task(self._serve(entity_id, queue))

    @property
    def running(self) -> set[asyncio.Task[None]]:
        return {queue.task for queue in self._queues.values() if queue.task is not None}

    @property
    def is_idle(self) -> bool:
        return not self._queues

    async def stop(self, grace_s: float) -> None:
        """Begin no more calls, and wait for those that run."""
        self._accepting = False
        await drain(self.running, grace_s)

    async def _serve(self, entity_id: str, queue: Queue) -> None:
        try:
            entity = await self._hub.store.get_entity(entity_id)
            while queue.waiting and self._accepting:
                size = min(len(queue.waiting), self._hub.settings.max_entity_batch)
                batch = [queue.waiting.popleft() for _ in range(size)]
                entity = await self._serve_batch(entity_id, entity, batch)
        except HubFailed:
            pass  # the store has logged it, and keeps the requests
        except Exception:
            log.exception("a defect of the task hub: entity %s waits for the next start", entity_id)
        finally:
            queue.task = None
            if not queue.waiting:
                self._queues.pop(entity_id, None)

    async def _serve_batch(self, entity_id: str, entity: Entity | None, batch: list[Request]) -> Entity | None:
        outcome = await self._call(entity_id, entity, [request for _, request in batch])
        now = self._hub.clock.now()
        after = Entity(entity_id, outcome.state, now) if outcome.exists else None
        answers = [
            delivery
            for (_, request), (result, is_error) in zip(batch, outcome.results, strict=True)
            if (delivery := self._answer(request, result, is_error=is_error)) is not None
        ]
        served = [seq for seq, _ in batch]
        await self._hub.store.commit_entity(EntityCommit(entity_id, after, served, answers), now)
        for delivery in answers:
            self._deliver(delivery.instance_id, delivery.message)
        return after

    async def _call(self, entity_id: str, entity: Entity | None, batch: list[EntityRequest]) -> Outcome:
        """Run one batch. A failure of the function itself changes nothing and answers every operation with it."""
        try:
            entity_name, key = split(entity_id)
            check(entity_name, key)
            name = self._hub.resolve(FunctionKind.ENTITY, entity_name)
            operations = _batch_text(entity_id, entity, batch)
            async with self._calls:
                text = await call_persistently(
                    lambda: self._hub.functions.call_entity(name, entity_id, operations),
                    f"entity {entity_id}",
                    lambda: self._accepting,
                )
            return self._checked(_read(text, len(batch)))
        except FunctionFailure as failed:
            problem = failed.message or failed.type_name
        except (InvalidArgument, PayloadTooLarge, MalformedResult) as failed:
            problem = str(failed)
        log.warning("entity %s failed: %s", entity_id, problem)
        state = entity.state if entity else None
        return Outcome(entity is not None, state, [(dump(problem), True)] * len(batch))

    def _checked(self, outcome: Outcome) -> Outcome:
        """Raises PayloadTooLarge."""
        limit = self._hub.settings.max_payload_bytes
        payloads.check("The entity's state", outcome.state, limit)
        for result, _ in outcome.results:
            payloads.check("The operation's result", result, limit)
        return outcome

    def _answer(self, request: EntityRequest, result: str, *, is_error: bool) -> Delivery | None:
        caller = request.caller
        if caller is None:
            if is_error:
                log.warning("signal %r to %s failed: %s", request.operation, request.entity_id, result)
            return None
        response = {"result": result, "exceptionType": "Error"} if is_error else {"result": result}
        answered = entity_answered(caller.task_id, request.request_id, dump(response), self._hub.clock.now())
        return Delivery(caller.instance_id, Message(self._hub.next_seq(), caller.execution_id, answered))


class MalformedResult(Exception):
    """An entity function returned something that is not a batch result."""


def _batch_text(entity_id: str, entity: Entity | None, batch: list[EntityRequest]) -> str:
    name, key = split(entity_id)
    operations: list[dict[str, Any]] = [
        {"name": request.operation, "input": request.input, "isSignal": request.caller is None} for request in batch
    ]
    state = entity.state if entity else None
    return dump({"self": {"name": name, "key": key}, "exists": entity is not None, "state": state, "batch": operations})


def _read(text: str, size: int) -> Outcome:
    try:
        parsed = json.loads(text)
        results = [(_text(each["result"]) or "null", bool(each["isError"])) for each in parsed["results"]]
        exists, state = bool(parsed["entityExists"]), _text(parsed["entityState"])
    except (ValueError, KeyError, TypeError) as malformed:
        raise MalformedResult(f"not a batch result: {text[:200]!r}") from malformed
    if len(results) != size:
        raise MalformedResult(f"{len(results)} results for {size} operations")
    return Outcome(exists, state, results)


def _text(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise TypeError("states and results are JSON text")
    return value
