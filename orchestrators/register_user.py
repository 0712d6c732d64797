"""Orchestrator `register_user`: a new user, or a new e-mail address of one, until the address is known to be theirs."""

from __future__ import annotations

import azure.durable_functions as df

from domain import names
from domain.shapes import JsonObject
from domain.users import UserStatus
from domain.verification import OPEN_FOR
from orchestrators.saga import Saga, Steps
from orchestrators.user_saga import UserSaga

STORED, SENT, UNDELIVERABLE = "stored", "sent", "undeliverable"


def register_user(context: df.DurableOrchestrationContext) -> Steps[JsonObject]:
    """Store the user, send a code to the e-mail address, and see whether somebody tells it within a day.

    Steps
    1  store_user, when this is a registration
    2  send_mail; nobody is waited for where there is no such mailbox
    3  wait for `verified`, at most 24 h
    4  record_verification: the user's document has the last word, the event only wakes

    Nothing personal is in its history: the activities fetch what they need under the ids.

    Input   {"tenant_id", "user_id", "correlation_id", "verification_id": str, "registration_key"?: str}
    Output  {"status": "verified" | "expired" | "superseded" | "undeliverable"} | {"status": "refused", "reason": str}
    """
    saga = UserSaga(context)
    given = context.get_input()
    if given.get("registration_key"):
        saga.stage("storing")
        stored = yield from saga.insist(names.STORE_USER, registration_key=given["registration_key"])
        if stored["outcome"] != STORED:
            saga.stage("refused", reason=stored["outcome"])
            return {"status": "refused", "reason": stored["outcome"]}
    saga.stage("welcoming")
    verification = {"verification_id": given["verification_id"]}
    sent = yield from saga.insist(names.SEND_MAIL, **verification)
    status = sent["outcome"]
    if status == SENT:
        status = yield from _verified(saga, verification)
    elif status == UNDELIVERABLE:
        yield from saga.insist(names.RECORD_VERIFICATION, **verification, timed_out=True)
    saga.stage(status)
    return {"status": status}


def _verified(saga: Saga, verification: JsonObject) -> Steps[str]:
    """How the verification ends."""
    saga.stage("awaiting_verification")
    deadline = saga.context.current_utc_datetime + OPEN_FOR
    heard = yield from saga.first_within(OPEN_FOR, saga.event(names.VERIFIED))
    ended = yield from saga.insist(names.RECORD_VERIFICATION, **verification, timed_out=heard is None)
    if ended["outcome"] == UserStatus.PENDING:  # the word came from somebody who had no code
        left = deadline - saga.context.current_utc_datetime
        yield saga.pause(left.total_seconds())
        ended = yield from saga.insist(names.RECORD_VERIFICATION, **verification, timed_out=True)
    return str(ended["outcome"])
