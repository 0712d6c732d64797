"""The building blocks of every model: camelCase outside, snake_case inside, aware UTC times, exact integers."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Dict  # noqa: UP035  # for JsonObject

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, PlainSerializer
from pydantic.alias_generators import to_camel

from domain.money import known_currency
from domain.names import IDENTIFIER

# The Functions worker reads the annotations of activities and refuses `dict[str, Any]`: "invalid non-type annotation".
JsonObject = Dict[str, Any]  # noqa: UP006  # the worker knows this generic


def utc_text(at: datetime) -> str:
    """`2026-11-02T10:00:00.000Z`: always of one length, so that texts sort as their times do."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Utc = Annotated[AwareDatetime, AfterValidator(lambda at: at.astimezone(UTC)), PlainSerializer(utc_text)]
Identifier = Annotated[str, Field(pattern=f"^{IDENTIFIER}$")]
Currency = Annotated[str, Field(description="ISO 4217 code"), AfterValidator(known_currency)]


def _readable(text: str) -> str:
    if re.search(r"[\x00-\x1f\x7f-\x9f]", text) or not text.strip():
        raise ValueError("must have a visible character and no control characters")
    return text


Text = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_readable)]


class Model(BaseModel):
    """A record of ours: camelCase on the wire and in Cosmos DB; never changed in place."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, hide_input_in_errors=True)

    def to_json(self) -> JsonObject:
        """Plain JSON values under their names on the wire."""
        return self.model_dump(mode="json", by_alias=True)


class Request(BaseModel):
    """What a caller sends: nothing is coerced ("2" and 2.0 are not 2) and unknown fields are refused."""

    model_config = ConfigDict(
        alias_generator=to_camel, extra="forbid", strict=True, frozen=True, hide_input_in_errors=True
    )

    def to_json(self) -> JsonObject:
        """Plain JSON values under their names on the wire."""
        return self.model_dump(mode="json", by_alias=True)


class LetterStep(BaseModel):
    """What an activity is told that sees to a dead letter: there are letters without an order."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    tenant_id: Identifier
    order_id: Identifier | None = None
    correlation_id: str
    at: Utc


class StepPayload(BaseModel):
    """What every activity is told: whose order, on whose behalf, and the orchestration's time."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    tenant_id: Identifier
    order_id: Identifier
    correlation_id: str
    at: Utc
