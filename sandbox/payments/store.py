"""Where intents and refunds are kept: documents, with the columns by which they are found."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass

from pydantic import TypeAdapter

from sandbox.database import Database, Value
from sandbox.payments.intent_models import Intent
from sandbox.payments.ledger import movement
from sandbox.payments.refunds import Refund

_INTENTS = TypeAdapter(Intent)
_REFUNDS = TypeAdapter(Refund)


@dataclass(frozen=True, slots=True)
class Query:
    """Which rows are wanted: a condition in SQL with `?` for each of the values."""

    condition: str = "TRUE"
    values: tuple[Value, ...] = ()

    def __and__(self, other: Query) -> Query:
        return Query(f"({self.condition}) AND ({other.condition})", self.values + other.values)

    def __or__(self, other: Query) -> Query:
        return Query(f"({self.condition}) OR ({other.condition})", self.values + other.values)


class Store:
    """Reads give None for what does not exist; writes belong inside `transaction()`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def transaction(self) -> AbstractContextManager[None]:
        return self._database.transaction()

    def keep_intent(self, intent: Intent) -> None:
        moved = movement(intent)
        charge = intent.charge
        self._database.run(
            "keep_intent",
            id=intent.id,
            created=intent.created,
            status=intent.status,
            amount=intent.amount,
            currency=intent.currency,
            customer=intent.details.get("customer"),
            capture_before=charge.capture_before if charge else None,
            order_id=moved.order_id,
            authorised=moved.authorised,
            captured=moved.captured,
            refunded=moved.refunded,
            voided=moved.voided,
            document=_INTENTS.dump_json(intent).decode(),
        )
        self._database.run("forget_metadata", intent_id=intent.id)
        for key, value in intent.metadata.items():
            self._database.run("keep_metadata", intent_id=intent.id, key=key, value=value)
        if charge:
            self._database.run("keep_charge", id=charge.id, intent_id=intent.id)

    def intent(self, intent_id: str) -> Intent | None:
        rows = self._database.run("intent", id=intent_id)
        return _INTENTS.validate_json(rows[0]["document"]) if rows else None

    def intent_of_charge(self, charge_id: str) -> Intent | None:
        rows = self._database.run("intent_of_charge", charge_id=charge_id)
        return _INTENTS.validate_json(rows[0]["document"]) if rows else None

    def intents(self, query: Query, limit: int, offset: int = 0) -> list[Intent]:
        """Newest first."""
        rows = self._database.page("intents", query.condition, query.values, limit=limit, offset=offset)
        return [_INTENTS.validate_json(row["document"]) for row in rows]

    def expired_intents(self, now: float) -> list[Intent]:
        return [_INTENTS.validate_json(row["document"]) for row in self._database.run("expired_intents", now=now)]

    def keep_refund(self, refund: Refund) -> None:
        self._database.run(
            "keep_refund",
            id=refund.id,
            created=refund.created,
            intent_id=refund.intent_id,
            charge_id=refund.charge_id,
            settles_at=refund.settles_at,
            document=_REFUNDS.dump_json(refund).decode(),
        )

    def refund(self, refund_id: str) -> Refund | None:
        rows = self._database.run("refund", id=refund_id)
        return _REFUNDS.validate_json(rows[0]["document"]) if rows else None

    def refunds(self, query: Query, limit: int, offset: int = 0) -> list[Refund]:
        """Newest first."""
        rows = self._database.page("refunds", query.condition, query.values, limit=limit, offset=offset)
        return [_REFUNDS.validate_json(row["document"]) for row in rows]

    def refunds_to_settle(self, now: float) -> list[Refund]:
        return [_REFUNDS.validate_json(row["document"]) for row in self._database.run("refunds_to_settle", now=now)]

    def next_settlement(self) -> float | None:
        """When time alone next changes something, in epoch seconds."""
        at: float | None = self._database.run("next_settlement")[0]["at"]
        return at
