"""The promise that makes a payment safe to repeat: one key, one effect, one answer.

An answer is kept in the same transaction as the effect it tells of, so no crash can part them. Which keys are being
worked on is known in memory only: a crash ends that work, and its transaction with it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sandbox.database import Database
from sandbox.payments.errors import invalid_request, key_in_use, key_reused, key_used_elsewhere

KEPT_FOR_S = 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer. `original`: the id of the first request with the same key, when this is a replay."""

    status: int
    body: str
    original: str | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to execute one request, or the answer that was given before. Without a key nothing is kept."""

    key: str | None
    endpoint: str = ""
    fingerprint: str = ""
    request_id: str = ""
    kept: Answer | None = None


class Idempotency:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._in_progress: set[str] = set()

    @contextmanager
    def claim(self, key: str | None, *, endpoint: str, parameters: str, request_id: str, now: float) -> Iterator[Claim]:
        """Hold a key while its request is worked on.

        Raises idempotency_error (400) when the key was used with other parameters or elsewhere, and
        idempotency_key_in_use (409) while another request holds it.
        """
        if key is None:
            yield Claim(None)
            return
        if len(key) > 255:
            raise invalid_request("Idempotency keys can be at most 255 characters long.")
        fingerprint = hashlib.sha256(parameters.encode()).hexdigest()
        kept = self._kept(key, endpoint, fingerprint, now)
        if key in self._in_progress:
            raise key_in_use(key)
        self._in_progress.add(key)
        try:
            yield Claim(key, endpoint, fingerprint, request_id, kept)
        finally:
            self._in_progress.remove(key)

    def keep(self, claim: Claim, answer: Answer, now: float) -> None:
        """Answer every repetition so; also forgets keys older than a day."""
        if claim.key is None:
            return
        self._database.run("forget_answers", before=now - KEPT_FOR_S)
        self._database.run(
            "keep_answer",
            key=claim.key,
            endpoint=claim.endpoint,
            fingerprint=claim.fingerprint,
            request_id=claim.request_id,
            status=answer.status,
            body=answer.body,
            created=now,
        )

    def _kept(self, key: str, endpoint: str, fingerprint: str, now: float) -> Answer | None:
        for row in self._database.run("answer", key=key, since=now - KEPT_FOR_S):
            if row["endpoint"] != endpoint:
                raise key_used_elsewhere(key, row["endpoint"])
            if row["fingerprint"] != fingerprint:
                raise key_reused(key)
            return Answer(row["status"], row["body"], original=row["request_id"])
        return None
